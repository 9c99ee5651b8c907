/// Users `user-000000`, `user-000001` … whose endpoints depend on the seed and their ID alone.
///
/// Three in a hundred are absent. The others have 0 to 15 endpoints, in which every quirk of real data occurs; but ApplicationId and
/// User.UserId are those asked for, and Ids are storable and unique over all users, in whatever case.
public struct SyntheticPopulation: Sendable {
    /// How many users there are.
    public let users: Int
    public let seed: UInt64

    public init(users: Int, seed: UInt64) {
        self.users = max(0, users)
        self.seed = seed
    }

    /// What the API says of one user.
    public enum Status: Sendable, Hashable {
        /// With 0 to 15 endpoints.
        case found(endpoints: Int)
        case absent
    }

    /// All IDs in order, absent users' among them.
    public var ids: some Collection<String> & Sendable {
        (0..<users).lazy.map { String(decoding: Self.id(at: $0), as: UTF8.self) }
    }

    /// Absent for any ID that isn't in `ids`.
    public func status(of id: String) -> Status {
        guard let user = user(Array(id.utf8)), !user.isAbsent else { return .absent }
        return .found(endpoints: user.endpointCount)
    }

    /// The user's endpoints as lines of an archive, each a JSON object without a line break.
    public func endpoints(of id: String, applicationID: String) -> [[UInt8]] {
        guard let user = user(Array(id.utf8)) else { return [] }
        var synthesis = EndpointSynthesis()
        return (0..<user.endpointCount).map { index in
            synthesis.text.bytes.removeAll(keepingCapacity: true)
            synthesis.append(user, endpoint: index, application: applicationID.utf8)
            return synthesis.text.bytes
        }
    }

    /// `user-` and at least six digits, in ASCII.
    static func id(at index: Int) -> [UInt8] {
        var text = JSONText()
        text.raw("user-")
        text.number(index, digits: 6)
        return text.bytes
    }

    func user(at index: Int) -> SyntheticUser {
        SyntheticUser(id: Self.id(at: index), index: index, seed: seed)
    }

    /// Nil for an ID that isn't one of the population's.
    func user(_ id: [UInt8]) -> SyntheticUser? {
        guard let index = index(of: id) else { return nil }
        return SyntheticUser(id: id, index: index, seed: seed)
    }

    /// The number in `user-000042`; nil where the ID isn't written exactly as `id(at:)` writes it.
    func index(of id: [UInt8]) -> Int? {
        guard id.count >= 11, id.count < 24, id.starts(with: "user-".utf8) else { return nil }
        var index = 0
        for digit in id[5...] {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            index = index * 10 + Int(digit - UInt8(ascii: "0"))
        }
        guard id.count == 11 || id[5] != UInt8(ascii: "0"), index < users else { return nil }
        return index
    }
}
