internal import PipelineCore

/// Reads the rows of one table from published files, one after the other.
struct PublishedRows {
    private let table: any TableFormat
    private let format: any FileFormat
    private var files: ArraySlice<String>
    private var records: (any RecordReader)?
    private var path = ""
    private var line = 0

    init(_ table: TableDefinition, _ format: any FileFormat, files: [String]) {
        self.table = format.tableFormat(table)
        self.format = format
        self.files = files[...]
    }

    /// - Throws: `PipelineError` of kind `.noInput` where a file is missing, damaged, or holds something else.
    mutating func next() throws -> RowBuffer? {
        var builder = RowBuilder(columnCount: table.table.columns.count)
        while builder.rowCount < 1024, builder.memory < 1 << 20, let record = try nextRecord() {
            do { try table.decode(record, to: &builder) } catch let fault as RecordFault {
                throw PipelineError(
                    .noInput, "\(path), line \(line): \(fault.clause)", hint: "Restore the file from a backup.")
            }
        }
        return builder.rowCount == 0 ? nil : builder.finish()
    }

    /// Nil behind the last record of the last file.
    private mutating func nextRecord() throws -> [UInt8]? {
        while true {
            if records == nil {
                guard let next = files.popFirst() else { return nil }
                path = next
                line = 0
                records = try format.records(in: StoredFile(next))
            }
            line += 1
            if let record = try records?.next() { return record }
            records = nil
        }
    }
}
