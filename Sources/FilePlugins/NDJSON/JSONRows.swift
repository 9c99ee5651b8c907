internal import PipelineCore

/// Reads lines of JSON, as `JSONLines` writes them, back into rows.
struct JSONRows: Sendable {
    private let table: TableDefinition
    private let names: [[UInt8]]

    init(_ table: TableDefinition) {
        self.table = table
        names = table.columns.map { Array($0.name.utf8) }
    }

    /// Appends a line's cells, one for each column; what the line lacks is null.
    ///
    /// - Throws: `JSONDecodingError`.
    func append(_ line: [UInt8], to builder: inout RowBuilder) throws {
        // One level more than any document that was nested into it.
        let tape = try JSONTape(decoding: line, depthLimit: 1000)
        var cells = [Cell](repeating: .null, count: names.count)
        tape.withContents { contents in
            guard contents.nodes[0].kind == .object else { return }
            var expected = 0
            var child = 1
            while child < Int(contents.nodes[0].end) {
                let name = contents.nodes[child]
                if !name.isDropped, let column = column(name, contents, expected) {
                    cells[column] = Self.cell(
                        contents.nodes[child + 1], contents, table.columns[column].type, &builder)
                    expected = column + 1
                }
                child = Int(contents.nodes[child + 1].end)
            }
        }
        for cell in cells { builder.append(cell) }
    }

    /// The column of a name, which is nearly always the one after the last.
    private func column(_ name: TapeNode, _ contents: TapeContents, _ expected: Int) -> Int? {
        func matches(_ column: Int) -> Bool { names[column].withUnsafeBufferPointer { contents.equal(name, $0) } }
        if expected < names.count, matches(expected) { return expected }
        return names.indices.first(where: matches)
    }

    private static func cell(
        _ node: TapeNode, _ contents: TapeContents, _ type: ColumnType, _ builder: inout RowBuilder
    ) -> Cell {
        if node.kind == .null { return .null }
        if type == .json {
            let source = UnsafeRawBufferPointer(contents.source(node))
            // Files of earlier versions have it nested.
            guard node.kind == .string else { return builder.store(.json, source) }
            return builder.write(cells: 0, bytes: Int(node.length)) { $0.store(.json, node, contents) }
        }
        switch node.kind {
        case .string:
            return builder.write(cells: 0, bytes: Int(node.length)) { $0.store(type.textKind, node, contents) }
        case .number:
            let source = contents.source(node)
            if type != .real, node.flags.contains(.integer),
                let number = Int64(String(decoding: source, as: UTF8.self))
            {
                return .integer(number)
            }
            return Cell(kind: .real, bits: JSONNumber.read(source).value.bitPattern, length: 0)
        default: return builder.store(type.textKind, UnsafeRawBufferPointer(contents.source(node)))
        }
    }
}
