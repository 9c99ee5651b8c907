/// One record as a user reader yields it: an ID, or the reason why there is none.
public struct InputRecord: ConsumedRecord {
    /// The ID, exactly as it stands in the input (never trimmed), or what is wrong with the input here.
    public enum Content: Sendable, Equatable {
        case userID(String)
        case fault(InputFault)
    }

    public var content: Content
    /// The place behind this record; reading from here yields the next one.
    public var next: Position
    /// The line on which the record begins, from 1; 0 where the input has no lines.
    public var line: Int

    public init(content: Content, next: Position, line: Int) {
        self.content = content
        self.next = next
        self.line = line
    }

    /// The bytes that stand for this record in the hash of the consumed input.
    public var hashedBytes: [UInt8] {
        switch content {
        case .userID(let id): Array(id.utf8)
        case .fault(let fault): fault.raw
        }
    }
}

/// A piece of input that holds no usable ID. It becomes a `failed` record, never a skipped one.
public struct InputFault: Sendable, Equatable {
    /// One that comes from a list or an archive.
    public typealias Code = FailureCode

    public var code: Code
    /// One sentence for a person: what is wrong and where.
    public var message: String
    /// The input's own bytes, cut to `InputFault.rawLimit`.
    public var raw: [UInt8]

    /// No more than this many bytes of faulty input are kept: 64 KiB.
    public static let rawLimit = 65_536

    public init(code: Code, message: String, raw: [UInt8]) {
        self.code = code
        self.message = message
        self.raw = raw.count > Self.rawLimit ? Array(raw.prefix(Self.rawLimit)) : raw
    }
}
