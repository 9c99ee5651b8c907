internal import PipelineCore
internal import RunFolders

/// One table: how its rows become lines, and lines rows again.
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
        buffer.forEachRow(in: rows) { row in
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
