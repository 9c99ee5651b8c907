/// Where in its input a reader goes on: the place directly behind a record.
///
/// A position is opaque to everyone but the reader that made it. File readers use `offset` (bytes of uncompressed
/// input) and `line`; archives add `member` and name the file in `token`; a reader with a key set or a cursor of its
/// own keeps it in `token`. Plain numbers, so that a position costs no allocation for each record.
public struct Position: Hashable, Sendable {
    /// A file name, a key, a cursor: whatever the reader needs beyond numbers. Empty where it needs nothing.
    public var token: String
    /// Bytes of uncompressed input before this position.
    public var offset: UInt64
    /// Bytes of compressed input before the gzip member or zstd frame that holds this position.
    public var member: UInt64
    /// Lines that lie completely before this position.
    public var line: UInt64

    /// The beginning of every input.
    public static let start = Position()

    public init(token: String = "", offset: UInt64 = 0, member: UInt64 = 0, line: UInt64 = 0) {
        self.token = token
        self.offset = offset
        self.member = member
        self.line = line
    }
}
