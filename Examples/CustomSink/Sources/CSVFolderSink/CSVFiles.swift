internal import PipelineCore
internal import RunFolders

/// A header line with the columns' names, then a line for each row: texts in quotes, numbers as they are, nothing for null.
struct CSVFiles: FileFormat {
    var fileExtension: String { "csv" }

    func tableFormat(_ table: TableDefinition) -> any TableFormat { CSVTable(table: table) }

    func records(in file: StoredFile) throws -> any RecordReader {
        var records = CSVRecords(file: file)
        // The header line.
        guard try records.next() != nil else { throw file.damaged }
        return records
    }
}
