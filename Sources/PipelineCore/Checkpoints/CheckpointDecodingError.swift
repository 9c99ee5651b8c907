/// What is wrong with the text of a stored checkpoint.
public struct CheckpointDecodingError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }

    static func root(of json: String, _ what: String) throws -> JSONNode {
        do {
            return try JSONTape(decoding: Array(json.utf8)).root
        } catch {
            throw CheckpointDecodingError("\(what): \(error)")
        }
    }
}
