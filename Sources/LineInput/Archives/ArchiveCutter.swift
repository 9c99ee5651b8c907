/// Cuts a file of an archive into its records, in the form that was found in it.
public struct ArchiveCutter {
    private var lines = ArchiveLines()
    /// Nil where the file holds no rows.
    private var rows: ArchiveRows?
    /// Nil where each line of the file is a record.
    private var documents: ArchiveDocuments?

    /// Reads what stands before the first record: a byte order mark, a header.
    ///
    /// - Parameter input: at its beginning.
    /// - Throws: `InputDamage`.
    public init(_ input: InputWindow, _ form: ArchiveContent.Form) throws {
        try input.skipByteOrderMark()
        switch form {
        case .lines: break
        case .documents: documents = ArchiveDocuments()
        case .rows(let separator): rows = try ArchiveRows(input, separator: separator)
        }
    }

    /// Lines completely before the next record.
    public var line: UInt64 { rows?.line ?? documents?.line ?? lines.line }

    /// The next record; nil at the end of input.
    ///
    /// - Throws: `InputDamage`; the partial record before it is still in the window.
    public mutating func next(_ input: InputWindow) throws -> ArchivePiece? {
        // In place: a copy of the rows would copy the fields each time.
        if rows != nil { return try rows?.next(input) }
        if documents != nil { return try documents?.next(input) }
        return try lines.next(input)
    }
}
