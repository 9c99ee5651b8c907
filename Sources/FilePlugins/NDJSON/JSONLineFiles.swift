internal import PipelineCore
internal import RunFolders

/// Lines of JSON, compressed or not: what the NDJSON sink's files look like.
struct JSONLineFiles: FileFormat {
    private let form: FileCompression
    private let compressor: any TextCompressor

    /// - Parameter level: one of the form's; nil for its usual one.
    init(_ form: FileCompression, level: Int? = nil) {
        self.form = form
        compressor = form.compressor(level: level)
    }

    var fileExtension: String { "ndjson\(form.suffix)" }

    var compression: String { form.rawValue }

    func tableFormat(_ table: TableDefinition) -> any TableFormat { Table(table, compressor) }

    func records(in file: StoredFile) throws -> any RecordReader {
        if file.extent == nil { try PublishedLines(file) } else { try WrittenLines(file, compressor) }
    }

    func segment(_ text: UnsafeBufferPointer<UInt8>, rows: Int) throws -> FileSegment {
        try compressor.segment(text, rows: rows)
    }

    func checksum(_ checksum: UInt32, adding segment: FileSegment) -> UInt32 {
        compressor.checksum(checksum, adding: segment)
    }

    func trailer(checksum: UInt32, length: Int) -> FileSegment {
        FileSegment(frame: compressor.trailer(checksum: checksum, length: length))
    }

    private struct Table: TableFormat {
        let table: TableDefinition
        private let compressor: any TextCompressor
        private let lines: JSONLines
        private let rows: JSONRows

        init(_ table: TableDefinition, _ compressor: any TextCompressor) {
            self.table = table
            self.compressor = compressor
            lines = JSONLines(table)
            rows = JSONRows(table)
        }

        var header: FileSegment { FileSegment(frame: compressor.header) }

        var rowOverhead: Int { lines.keyBytes }

        func encode(_ rows: Range<Int>, of buffer: RowBuffer) throws -> FileSegment {
            var text = TextBuffer(capacity: FileSegment.usualLength + FileSegment.usualLength / 4)
            lines.append(rows, of: buffer, to: &text)
            return try compressor.segment(text.bytes, rows: rows.count)
        }

        func decode(_ record: [UInt8], to builder: inout RowBuilder) throws {
            do { try rows.append(record, to: &builder) } catch let error as JSONDecodingError {
                throw RecordFault("no JSON object as this program writes it (\(error))")
            }
        }

        func failure(_ record: [UInt8]) throws -> FailedRecord {
            do { return try FailedRecord(line: record) } catch let error as JSONDecodingError {
                throw RecordFault("no JSON object as this program writes it (\(error))")
            }
        }
    }
}

extension FileSegment {
    /// What stands around the text.
    fileprivate init(frame bytes: [UInt8]) { self.init(bytes: bytes, length: 0, rows: 0, checksum: 0) }
}
