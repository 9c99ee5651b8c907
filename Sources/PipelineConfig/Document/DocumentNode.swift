/// A value of a YAML document and where it stands.
struct DocumentNode: Sendable {
    enum Content: Sendable {
        /// `isPlain`: neither quoted nor a block scalar, so that YAML may read a number or a null in it.
        case scalar(String, isPlain: Bool)
        case sequence([DocumentNode])
        /// Keys are unique, in the order of the file.
        case mapping([Entry])
    }

    struct Entry: Sendable {
        var key: String
        var keyPlace: Place
        var value: DocumentNode
    }

    var content: Content
    var place: Place
    /// It can't be read, and that is told.
    var isFaulty = false

    /// `key:` with nothing behind it, `~` or `null`.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    var entries: [Entry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    /// The value of a key of a mapping.
    subscript(key: String) -> DocumentNode? {
        entries?.first { $0.key == key }?.value
    }

    /// Where a missing key is reported: at the first key, else at the mapping.
    var missingKeyPlace: Place { entries?.first?.keyPlace ?? place }

    /// For messages: "a list", "a mapping", "text".
    var kindName: String {
        switch content {
        case .scalar: "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}
