/// Endpoints that a run has written, against the state of the store before the run. Their sum is the endpoints that were
/// written without those that gave way to later ones of the same run.
public struct EndpointChanges: Sendable, Hashable {
    /// The store had no endpoint with this key.
    public var added: Int
    /// At least one value is another one; ordinal, run and logical date don't count.
    public var changed: Int
    /// Every value is the same.
    public var unchanged: Int

    public init(added: Int = 0, changed: Int = 0, unchanged: Int = 0) {
        self.added = added
        self.changed = changed
        self.unchanged = unchanged
    }

    /// By the names that counts have for them.
    static let names: [(name: String, value: any WritableKeyPath<EndpointChanges, Int> & Sendable)] = [
        ("added", \.added), ("changed", \.changed), ("unchanged", \.unchanged),
    ]

    public static func += (left: inout EndpointChanges, right: EndpointChanges) {
        for (_, value) in names { left[keyPath: value] += right[keyPath: value] }
    }

    public static func -= (left: inout EndpointChanges, right: EndpointChanges) {
        for (_, value) in names { left[keyPath: value] -= right[keyPath: value] }
    }
}
