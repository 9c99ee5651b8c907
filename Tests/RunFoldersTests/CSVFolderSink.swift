import PipelineCore
import RunFolders

/// A sink of CSV files, as somebody outside would write it: the options and the format, and nothing else.
struct CSVFolderSink: RunFolderSink {
    var typeName: String { "csv-folder" }
    var name: String { typeName }
    let store: RunFolderStore

    init(path: String, mode: WriteMode, maxFileSize: Int) {
        store = RunFolderStore(path: path, mode: mode, maxFileSize: maxFileSize, format: CSVFiles(), label: "csv")
    }
}

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

struct CSVTable: TableFormat {
    let table: TableDefinition

    var header: FileSegment {
        var text: [UInt8] = []
        for (index, column) in table.columns.enumerated() {
            Self.append(.text(column.name), after: index > 0, to: &text)
        }
        return FileSegment(text + [UInt8(ascii: "\n")], rows: 0)
    }

    var rowOverhead: Int { 3 * table.columns.count }

    func encode(_ rows: Range<Int>, of buffer: RowBuffer) throws -> FileSegment {
        var text: [UInt8] = []
        var index = 0
        buffer.forEachRow { row in
            defer { index += 1 }
            guard rows.contains(index) else { return }
            for column in table.columns.indices { Self.append(row[column], after: column > 0, to: &text) }
            text.append(UInt8(ascii: "\n"))
        }
        return FileSegment(text, rows: rows.count)
    }

    private static func append(_ value: RowView.Value, after isFollowing: Bool, to text: inout [UInt8]) {
        if isFollowing { text.append(UInt8(ascii: ",")) }
        switch value {
        case .null: break
        case .integer(let number): text += Array(String(number).utf8)
        case .number(let number): text += Array(String(describing: number).utf8)
        case .text(let value), .json(let value), .time(let value):
            text.append(UInt8(ascii: "\""))
            for byte in value.utf8 { text += byte == UInt8(ascii: "\"") ? [byte, byte] : [byte] }
            text.append(UInt8(ascii: "\""))
        }
    }

    func decode(_ record: [UInt8], to builder: inout RowBuilder) throws {
        var fields: [[UInt8]] = [[]]
        var isQuoted = false
        for byte in record {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if byte == UInt8(ascii: ","), !isQuoted { fields.append([]) } else { fields[fields.count - 1].append(byte) }
        }
        guard fields.count == table.columns.count else { throw RecordFault("not as many fields as columns") }
        for (field, column) in zip(fields, table.columns) { builder.append(try Self.cell(field, column, &builder)) }
    }

    private static func cell(_ field: [UInt8], _ column: Column, _ builder: inout RowBuilder) throws -> Cell {
        if field.isEmpty { return .null }
        if field[0] != UInt8(ascii: "\"") {
            let text = String(decoding: field, as: UTF8.self)
            if column.type != .real, let number = Int64(text) { return .integer(number) }
            guard let number = Double(text) else { throw RecordFault("a number that is none") }
            return .real(number)
        }
        let text = String(decoding: field.dropFirst().dropLast(), as: UTF8.self).split(
            separator: "\"\"", omittingEmptySubsequences: false
        ).joined(separator: "\"")
        let kind: Cell.Kind =
            switch column.type {
            case .json: .json
            case .time: .time
            default: .text
            }
        return Array(text.utf8).withUnsafeBytes { builder.store(kind, $0) }
    }
}

/// Cuts a file where a line feed stands outside quotes.
struct CSVRecords: RecordReader {
    let file: StoredFile
    private var text: ArraySlice<UInt8> = []

    init(file: StoredFile) { self.file = file }

    mutating func next() throws -> [UInt8]? {
        var scanned = text.startIndex
        var isQuoted = false
        while true {
            while scanned < text.endIndex {
                if text[scanned] == UInt8(ascii: "\"") { isQuoted.toggle() }
                if text[scanned] == UInt8(ascii: "\n"), !isQuoted {
                    defer { text = text[(scanned + 1)...] }
                    return Array(text[..<scanned])
                }
                scanned += 1
            }
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0) }
            guard count > 0 else {
                guard text.isEmpty else { throw file.damaged }
                return nil
            }
            let done = scanned - text.startIndex
            text = (Array(text) + chunk[..<count])[...]
            scanned = text.startIndex + done
        }
    }
}
