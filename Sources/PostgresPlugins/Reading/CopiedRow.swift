internal import PipelineCore

/// Takes a row of COPY's text format apart.
struct CopiedRow {
    private let columns: [Column]
    private var plain: [UInt8] = []

    init(_ table: TableDefinition) { columns = table.columns }

    /// Appends a row's cells. What can't be read as its column's type stays text.
    ///
    /// - Parameter row: With its line feed.
    mutating func append(_ row: UnsafeRawBufferPointer, to builder: inout RowBuilder) {
        let end = row.last == UInt8(ascii: "\n") ? row.count - 1 : row.count
        var start = 0
        for column in columns {
            var stop = start
            var isEscaped = false
            while stop < end, row[stop] != UInt8(ascii: "\t") {
                if row[stop] == UInt8(ascii: "\\") { isEscaped = true }
                stop += 1
            }
            let value = UnsafeRawBufferPointer(rebasing: row[min(start, end)..<min(stop, end)])
            builder.append(cell(value, isEscaped: isEscaped, column.type, &builder))
            start = stop + 1
        }
    }

    private mutating func cell(
        _ value: UnsafeRawBufferPointer, isEscaped: Bool, _ type: ColumnType, _ builder: inout RowBuilder
    ) -> Cell {
        guard isEscaped else { return Self.cell(value, type, &builder) }
        // Text can't be this: its own backslash is doubled.
        if value.elementsEqual("\\N".utf8) { return .null }
        plain.removeAll(keepingCapacity: true)
        var place = 0
        while place < value.count {
            var byte = value[place]
            if byte == UInt8(ascii: "\\"), place + 1 < value.count {
                place += 1
                byte = CopyText.unescaped(value[place])
            }
            plain.append(byte)
            place += 1
        }
        return plain.withUnsafeBytes { Self.cell($0, type, &builder) }
    }

    /// The cell of a value that isn't NULL.
    static func cell(
        _ value: UnsafeRawBufferPointer, _ type: ColumnType, _ builder: inout RowBuilder
    ) -> Cell {
        switch type {
        case .integer:
            if let number = Int64(String(decoding: value, as: UTF8.self)) { return .integer(number) }
        case .real:
            if let number = Double(String(decoding: value, as: UTF8.self)) {
                return Cell(kind: .real, bits: number.bitPattern, length: 0)
            }
        case .text, .json, .time: break
        }
        return builder.store(type.textKind, value)
    }
}
