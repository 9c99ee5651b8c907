internal import Crypto
public import PipelineCore

/// Puts something else in the place of values: `***`, or a keyed hash that is the same for the same value.
///
/// Of a list each element is masked, however deep; a map is masked as one value, names and all. Nulls stay.
public struct MaskTransform: Transform {
    enum Method: Sendable {
        case redact
        case hmac(HMACText)
    }

    let paths: [MemberPath]
    let method: Method

    public var hidesValues: Bool { true }
    public var mayTakeOut: Bool { false }
    public var namedMembers: [[String]] { paths.map(\.names) }

    public func apply(to endpoints: inout EndpointTape) {
        for endpoint in endpoints.allIndexes {
            for path in paths {
                for value in endpoints.tape.indexes(at: path.steps, below: endpoint) { mask(value, &endpoints.tape) }
            }
        }
    }

    public func idMask(for id: RecordID) -> (@Sendable (String) -> String)? {
        let member = id == .user ? MemberPath.userID : MemberPath.applicationID
        guard case .hmac(let hash) = method, paths.contains(where: { $0.leads(to: member) }) else { return nil }
        return { text in hash.hex(of: Array(text.utf8)) }
    }

    private func mask(_ index: Int, _ tape: inout JSONTape) {
        switch tape.value(at: index).kind {
        case .null: break
        case .array: for element in tape.elementIndexes(of: index) { mask(element, &tape) }
        case .string, .number, .true, .false, .object:
            // Nobody holds the tape by then: an edit would copy it.
            let text = replacement(for: tape.value(at: index))
            tape.replace(index, with: text)
        }
    }

    private func replacement(for node: JSONNode) -> String {
        switch method {
        case .redact: "***"
        case .hmac(let hash): hash.hex(of: Self.bytes(of: node))
        }
    }

    /// What is hashed: a string's UTF-8, U+FFFD standing for a lone surrogate; of anything else its compact JSON.
    private static func bytes(of node: JSONNode) -> [UInt8] {
        if let text = node.text { return Array(text.utf8) }
        return node.tape.withContents { contents in
            var writer = ExtraWriter()
            writer.writeValue(contents, node.index, .source)
            return writer.bytes
        }
    }
}

/// HMAC-SHA-256 as lower-case hex.
struct HMACText: Sendable {
    /// The key's part of the work, done once.
    private let keyed: HMAC<SHA256>

    init(key: [UInt8]) { keyed = HMAC(key: SymmetricKey(data: key)) }

    func hex(of bytes: [UInt8]) -> String {
        var hash = keyed
        hash.update(data: bytes)
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
