internal import PipelineCore

/// A schema for each table, as Spark's `StructType.fromJson` takes it, with the table's key, the columns by which one of several
/// rows with the same key is chosen (the last one in their order counts), and the call that reads its files.
struct SparkSchemas {
    let published: PublishedTables

    init(_ published: PublishedTables) { self.published = published }

    /// `{table: {"key": […], "latest_by": […], "schema": {…}, "load": "…"}}`, a table a line.
    var text: String { JSONMembers.text(published.tables.map { ($0.name, table($0)) }) }

    private func table(_ table: TableDefinition) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("key")
            writer.array { writer in table.key.forEach { writer.value($0) } }
            writer.key("latest_by")
            writer.array { writer in published.precedence(in: table).forEach { writer.value($0) } }
            writer.key("schema")
            writer.structure(
                table.columns.map { column in
                    Field(column.name, isNullable: Self.mayBeNull(column, of: table)) { Self.write(column, to: &$0) }
                })
            writer.member("load", load(table))
        }
        return writer.text
    }

    /// Without `--run-id`, `flatten` knows no run.
    private static func mayBeNull(_ column: Column, of table: TableDefinition) -> Bool {
        column.name == "run_id" || !table.key.contains(column.name)
    }

    /// In Python; `FAILFAST`, because a value that isn't what the schema says would be null without a word otherwise.
    private func load(_ table: TableDefinition) -> String {
        let folder = published.folder(of: table, in: "out/current")
        // Hadoop's patterns have escapes by a backslash, and so have Python's texts.
        let pattern = folder.reduce(into: "") { $0 += "\\*?[]{}".contains($1) ? "\\\($1)" : String($1) }
        let text = (pattern + "*\(published.suffix)").replacing("\\", with: "\\\\").replacing("'", with: "\\'")
        return "spark.read.schema(StructType.fromJson(tables['\(table.name)']['schema'])).option('mode', 'FAILFAST')"
            + ".json('\(text)')"
    }

    /// The type of a column.
    private static func write(_ column: Column, to writer: inout JSONWriter) {
        let name = Field("name") { $0.value("string") }
        switch column.entries {
        case .texts?: writer.list { $0.structure([name, Field("values") { $0.list { $0.value("string") } }]) }
        case .number?: writer.list { $0.structure([name, Field("value") { $0.value("double") }]) }
        case nil: writer.value(Self.name(of: column.type))
        }
    }

    private static func name(of type: ColumnType) -> String {
        switch type {
        // JSON is text in NDJSON.
        case .text, .json: "string"
        case .integer: "long"
        case .real: "double"
        case .time: "timestamp"
        }
    }
}

/// A field of a struct.
private struct Field {
    let name: String
    let isNullable: Bool
    /// Writes its type.
    let type: (inout JSONWriter) -> Void

    init(_ name: String, isNullable: Bool = true, type: @escaping (inout JSONWriter) -> Void) {
        self.name = name
        self.isNullable = isNullable
        self.type = type
    }
}

extension JSONWriter {
    fileprivate mutating func structure(_ fields: [Field]) {
        object { writer in
            writer.member("type", "struct")
            writer.key("fields")
            writer.array { writer in
                for field in fields {
                    writer.object { writer in
                        writer.member("name", field.name)
                        writer.key("type")
                        field.type(&writer)
                        writer.member("nullable", field.isNullable)
                        writer.key("metadata")
                        writer.object { _ in }
                    }
                }
            }
        }
    }

    /// - Parameter element: writes the elements' type.
    fileprivate mutating func list(_ element: (inout JSONWriter) -> Void) {
        object { writer in
            writer.member("type", "array")
            writer.key("elementType")
            element(&writer)
            writer.member("containsNull", true)
        }
    }
}
