internal import PipelineCore
internal import PipelineEngine

extension RunPreview {
    /// How rows are laid out.
    enum Form {
        case tables
        /// A record for each row, with lines of a name and a value.
        case records(width: Int)
        /// Records for tables that are wider.
        case fitting(width: Int)
    }

    /// A table for each table that has rows; under a heading for each content where sinks differ in it.
    func text(as form: Form) -> String {
        var blocks: [String] = []
        for content in contents {
            if contents.count > 1 {
                blocks.append("sink \(content.sinks.map { "'\($0)'" }.joined(separator: ", "))\n")
            }
            for (table, rows) in zip(content.tables, content.rows) {
                blocks.append(rows.isEmpty ? "\(table.name): no rows\n" : Self.text(of: table, rows, form))
            }
            if content.counts.filtered > 0 { blocks.append("endpoints filtered out: \(content.counts.filtered)\n") }
        }
        return blocks.joined(separator: "\n")
    }

    private static func text(of table: TableDefinition, _ rows: RowBuffer, _ form: Form) -> String {
        var cells: [[TextTable.Cell]] = []
        var isUsed = [Bool](repeating: false, count: table.columns.count)
        rows.forEachRow { row in
            cells.append(
                table.columns.indices.map { column in
                    if row[column] != .null, row[column] != .json("{}") || table.columns[column].name != "extra" {
                        isUsed[column] = true
                    }
                    return cell(row[column])
                })
        }
        let used = table.columns.indices.filter { isUsed[$0] }
        let unused = table.columns.indices.filter { !isUsed[$0] }.map { table.columns[$0].name }
        let shown = TextTable(
            columns: used.map { table.columns[$0].name }, rows: cells.map { row in used.map { row[$0] } })
        let note = unused.isEmpty ? "" : "(nothing in: \(unused.joined(separator: ", ")))\n"
        return "\(table.name): \(rows.rowCount) \(rows.rowCount == 1 ? "row" : "rows")\n" + text(of: shown, form) + note
    }

    private static func text(of table: TextTable, _ form: Form) -> String {
        switch form {
        case .tables: table.text
        case .records(let width): table.records(width: width)
        case .fitting(let width): table.width <= width ? table.text : table.records(width: width)
        }
    }

    private static func cell(_ value: RowView.Value) -> TextTable.Cell {
        switch value {
        case .null: TextTable.Cell(text: "")
        case .text(let text), .json(let text), .time(let text): TextTable.Cell(text: text)
        case .integer(let number): TextTable.Cell(text: String(number), isNumber: true)
        case .number(let number): TextTable.Cell(text: number.description, isNumber: true)
        }
    }

    /// One line: `{"pipeline":…,"contents":[{"sinks":[…],"tables":{"users":[{…}]}}]}`, every row with every column.
    func json(pipeline: String) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("pipeline")
            writer.value(pipeline)
            writer.key("contents")
            writer.array { writer in
                for content in contents { Self.write(content, to: &writer) }
            }
        }
        return writer.text
    }

    private static func write(_ content: Content, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("sinks")
            writer.array { writer in for sink in content.sinks { writer.value(sink) } }
            writer.key("filtered")
            writer.value(content.counts.filtered)
            writer.key("tables")
            writer.object { writer in
                for (table, rows) in zip(content.tables, content.rows) {
                    writer.key(table.name)
                    writer.array { writer in
                        rows.forEachRow { row in write(row, of: table, to: &writer) }
                    }
                }
            }
        }
    }

    private static func write(_ row: RowView, of table: TableDefinition, to writer: inout JSONWriter) {
        writer.object { writer in
            for (place, column) in table.columns.enumerated() {
                writer.key(column.name)
                switch row[place] {
                case .null: writer.null()
                case .text(let text), .time(let text): writer.value(text)
                case .integer(let number): writer.value(Int(number))
                case .number(let number): writer.value(number)
                case .json(let json): writer.raw(json)
                }
            }
        }
    }
}
