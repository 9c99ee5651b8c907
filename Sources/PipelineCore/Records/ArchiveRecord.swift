/// One record as an archive's reader yields it: a document, or the reason why there is none.
public struct ArchiveRecord: ConsumedRecord {
    public enum Content: Sendable, Equatable {
        /// A JSON document, not yet validated: the line as it stands there, or what a row of CSV says.
        case document([UInt8])
        case fault(InputFault)
    }

    public var content: Content
    /// The place behind this record: its file in `token`, `member` and `offset` in that file.
    public var next: Position
    /// The file, as messages and the `failures` table name it.
    public var file: String
    /// The line on which the record begins, from 1.
    public var line: Int

    public init(content: Content, next: Position, file: String, line: Int) {
        self.content = content
        self.next = next
        self.file = file
        self.line = line
    }

    /// The bytes that stand for this record in the hash of the consumed input.
    public var hashedBytes: [UInt8] {
        switch content {
        case .document(let bytes): bytes
        case .fault(let fault): fault.raw
        }
    }
}
