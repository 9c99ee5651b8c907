/// A row of `failures` as far as a retry needs it.
public struct FailedRecord: Sendable, Hashable {
    public var ordinal: Int
    /// As the sink holds it: what stands for the ID where that is masked. Nil where the input held none.
    public var userID: String?
    /// From 1; 0 where the input has no lines.
    public var line: Int
    public var code: String
    /// The HTTP status of the last answer, if there was one.
    public var status: Int?
    /// The input's own bytes are kept, because the ID can't be.
    public var hasRaw: Bool

    public init(ordinal: Int, userID: String?, line: Int = 0, code: String, status: Int? = nil, hasRaw: Bool = false) {
        self.ordinal = ordinal
        self.userID = userID
        self.line = line
        self.code = code
        self.status = status
        self.hasRaw = hasRaw
    }

    /// The record has an outcome, and its failure is the sink's own.
    public var isRefused: Bool { FailureCode(rawValue: code)?.origin == .sink }

    /// The input itself is what failed: asking again can't mend it.
    public var isOfInput: Bool { hasRaw || FailureCode(rawValue: code)?.isMendedByAsking == false }
}
