internal import PipelineCore

/// Compares the rows of one table with those that a test expects.
struct RowComparison {
    let table: TableDefinition
    let sinks: [String]

    func differences(expected: [String], found rows: RowBuffer) -> [RowDifference] {
        var differences: [RowDifference] = []
        var row = 0
        rows.forEachRow { view in
            row += 1
            guard expected.indices.contains(row - 1) else {
                differences.append(difference(row, nil, "no such row is expected: \(text(of: view))"))
                return
            }
            differences += compare(expected[row - 1], view, row: row)
        }
        for missing in expected.indices.dropFirst(row) {
            differences.append(difference(missing + 1, nil, "expected \(expected[missing]), but there is no such row"))
        }
        return differences
    }

    private func difference(_ row: Int, _ column: String?, _ message: String) -> RowDifference {
        RowDifference(sinks: sinks, table: table.name, row: row, column: column, message: message)
    }

    private func compare(_ expected: String, _ view: RowView, row: Int) -> [RowDifference] {
        guard let tape = try? JSONTape(decoding: Array(expected.utf8)), tape.root.kind == .object else {
            return [difference(row, nil, "a row is written as a mapping of columns to values, not as \(expected)")]
        }
        return tape.root.members.compactMap { name, value in
            guard let column = table.index(of: name) else {
                let known = table.columns.map(\.name).joined(separator: ", ")
                return difference(row, name, "there is no such column; there are \(known)")
            }
            if isEqual(view[column], value) { return nil }
            return difference(row, name, "expected \(Self.text(of: value)), found \(Self.text(of: view[column]))")
        }
    }

    private func isEqual(_ found: RowView.Value, _ expected: JSONNode) -> Bool {
        switch found {
        case .null: return expected.isNull
        // What YAML takes for a number may be a text there.
        case .text(let text), .time(let text): return text == (expected.text ?? Self.text(of: expected))
        case .integer(let number): return expected.kind == .number && expected.integer == number
        case .number(let number): return expected.kind == .number && expected.double == number
        case .json(let json):
            return Self.canonical(json) == Self.canonical(expected.text ?? Self.text(of: expected))
        }
    }

    private static func canonical(_ json: String) -> [UInt8] {
        var bytes: [UInt8] = []
        Array(json.utf8).withUnsafeBytes { CanonicalJSON.append($0, to: &bytes) }
        return bytes
    }

    // MARK: Texts

    /// A value as JSON.
    private static func text(of node: JSONNode) -> String {
        var writer = JSONWriter()
        write(node, to: &writer)
        return writer.text
    }

    private static func write(_ node: JSONNode, to writer: inout JSONWriter) {
        switch node.kind {
        case .null: writer.null()
        case .true, .false: writer.value(node.boolean ?? false)
        case .number: writer.raw(node.numberText)
        case .string: writer.value(node.text ?? "")
        case .array: writer.array { writer in for element in node.elements { write(element, to: &writer) } }
        case .object:
            writer.object { writer in
                for (name, value) in node.members {
                    writer.key(name)
                    write(value, to: &writer)
                }
            }
        }
    }

    private static func text(of value: RowView.Value) -> String {
        var writer = JSONWriter()
        write(value, to: &writer)
        return writer.text
    }

    private static func write(_ value: RowView.Value, to writer: inout JSONWriter) {
        switch value {
        case .null: writer.null()
        case .text(let text), .time(let text): writer.value(text)
        case .integer(let number): writer.value(Int(number))
        case .number(let number): writer.value(number)
        case .json(let json): writer.raw(json)
        }
    }

    /// A row without what is null or empty, so that it can be read.
    private func text(of view: RowView) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            for (place, column) in table.columns.enumerated()
            where view[place] != .null && view[place] != .json("{}")
                && !["run_id", "logical_date"].contains(column.name)
            {
                writer.key(column.name)
                Self.write(view[place], to: &writer)
            }
        }
        return writer.text
    }
}
