internal import LineInput
internal import PipelineCore

/// Reads the rows of one table from files, one after the other.
struct PublishedRows {
    private let table: TableDefinition
    private let names: [[UInt8]]
    private var files: ArraySlice<String>
    private var input: InputWindow?
    private var path = ""
    private var line = 0

    init(_ table: TableDefinition, files: [String]) {
        self.table = table
        names = table.columns.map { Array($0.name.utf8) }
        self.files = files[...]
    }

    /// - Throws: `PipelineError` of kind `.noInput` where a file is missing, damaged, or holds something else.
    mutating func next() throws -> RowBuffer? {
        var builder = RowBuilder(columnCount: table.columns.count)
        while builder.rowCount < 1024, builder.memory < 1 << 20 {
            do {
                guard try appendLine(to: &builder) else { break }
            } catch let damage as InputDamage {
                throw PipelineError(.noInput, "\(path) \(damage.message)", hint: "Restore the file from a backup.")
            } catch let error as JSONDecodingError {
                throw PipelineError(
                    .noInput, "\(path), line \(line): no JSON object as this program writes it (\(error))",
                    hint: "Restore the file from a backup.")
            }
        }
        return builder.rowCount == 0 ? nil : builder.finish()
    }

    /// False behind the last line of the last file.
    private mutating func appendLine(to builder: inout RowBuilder) throws -> Bool {
        while true {
            guard let input else {
                guard let next = files.popFirst() else { return false }
                path = next
                line = 0
                input = try InputWindow(path: next)
                continue
            }
            line += 1
            guard let end = try input.firstIndex(of: 0x0A) else {
                let rest = Array(input.bytes)
                input.close()
                self.input = nil
                if rest.isEmpty { continue }
                try append(rest, to: &builder)
                return true
            }
            let text = Array(input.bytes[..<end])
            input.consume(end + 1)
            try append(text, to: &builder)
            return true
        }
    }

    private func append(_ text: [UInt8], to builder: inout RowBuilder) throws {
        // One level more than any document that was nested into it.
        let tape = try JSONTape(decoding: text, depthLimit: 1000)
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

    /// The column of a name, which is nearly always the one behind the last.
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
