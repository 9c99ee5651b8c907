internal import PipelineCore
internal import RunFolders

/// Lines of JSON in one gzip member for each file: what the NDJSON sink's files look like.
struct GzippedJSONLines: FileFormat {
    /// zlib's, 1 to 9.
    let level: Int

    var fileExtension: String { "ndjson.gz" }

    func tableFormat(_ table: TableDefinition) -> any TableFormat { Table(table, level: level) }

    func records(in file: StoredFile) throws -> any RecordReader {
        if file.extent == nil { try PublishedLines(file) } else { try WrittenLines(file) }
    }

    func segment(_ text: UnsafeBufferPointer<UInt8>, rows: Int) throws -> FileSegment {
        try FileSegment(deflating: text, rows: rows, level: level)
    }

    func checksum(_ checksum: UInt32, adding segment: FileSegment) -> UInt32 {
        GzipMember.checksum(checksum, segment.checksum, secondLength: segment.length)
    }

    func trailer(checksum: UInt32, length: Int) -> FileSegment {
        FileSegment(
            bytes: GzipMember.trailer(checksum: checksum, length: length), length: 0, rows: 0, checksum: 0)
    }

    private struct Table: TableFormat {
        let table: TableDefinition
        private let level: Int
        private let lines: JSONLines
        private let rows: JSONRows

        init(_ table: TableDefinition, level: Int) {
            self.table = table
            self.level = level
            lines = JSONLines(table)
            rows = JSONRows(table)
        }

        var header: FileSegment { FileSegment(bytes: GzipMember.header, length: 0, rows: 0, checksum: 0) }

        var rowOverhead: Int { lines.keyBytes }

        func encode(_ rows: Range<Int>, of buffer: RowBuffer) throws -> FileSegment {
            var text = TextBuffer(capacity: FileSegment.usualLength + FileSegment.usualLength / 4)
            lines.append(rows, of: buffer, to: &text)
            return try FileSegment(deflating: text.bytes, rows: rows.count, level: level)
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
