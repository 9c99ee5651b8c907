internal import PipelineCore

/// A store's file format, with the form of each table of a session.
struct RunFormat: Sendable {
    let file: any FileFormat
    /// In the order of a batch's buffers.
    let tables: [any TableFormat]
    /// The place of the table with the run's failures; nil where there is none.
    let failures: Int?

    init(_ format: any FileFormat, _ tables: [TableDefinition]) {
        file = format
        self.tables = tables.map { format.tableFormat($0) }
        failures = tables.firstIndex { $0.role == .failures }
    }

    var layout: RunLayout { file.layout }

    /// A table's files before the first of them has any rows.
    func newFiles(_ index: Int, generation: Int = 0) -> TableFiles {
        TableFiles(name: tables[index].table.name, generation: generation, format: file, header: tables[index].header)
    }

    /// A record of the failures.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` for a record that is none: no other attempt mends it.
    func failure(_ record: [UInt8]) throws -> FailedRecord {
        guard let failures else { throw PipelineError(.software, "there is no table of failures") }
        do { return try tables[failures].failure(record) } catch is RecordFault {
            throw PipelineError(
                .configuration, "a line among the run's failures isn't what this program writes",
                hint: "Restore the files of the unfinished run, or run with --fresh to begin again.")
        }
    }
}

extension FileFormat {
    var layout: RunLayout { RunLayout(fileExtension: fileExtension) }
}
