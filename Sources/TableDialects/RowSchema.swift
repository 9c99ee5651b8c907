internal import PipelineCore

/// A JSON Schema of what `flatten` prints: a line with a table's name and a row. The rows of single tables are `$defs`.
struct RowSchema {
    let published: PublishedTables

    init(_ published: PublishedTables) { self.published = published }

    /// A definition a line.
    var text: String {
        var lines = JSONWriter()
        lines.array { writer in
            for table in published.tables {
                writer.object { writer in
                    writer.key("properties")
                    writer.object { writer in
                        writer.key("table")
                        writer.object { $0.member("const", table.name) }
                        writer.key("row")
                        writer.object { $0.member("$ref", "#/$defs/\(table.name)") }
                    }
                    writer.key("required")
                    writer.raw(#"["table","row"]"#)
                    writer.member("additionalProperties", false)
                }
            }
        }
        let rows = JSONMembers.text(published.tables.map { ($0.name, row($0)) })
        return JSONMembers.text([
            ("$schema", #""https://json-schema.org/draft/2020-12/schema""#),
            ("title", #""Rows that sluice publishes""#),
            ("type", #""object""#),
            ("oneOf", lines.text),
            ("$defs", String(rows.dropLast())),
        ])
    }

    private func row(_ table: TableDefinition) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("type", "object")
            writer.member("description", "Key: \(table.key.joined(separator: ", ")).")
            writer.key("properties")
            writer.object { writer in
                for column in table.columns {
                    writer.key(column.name)
                    writer.raw(Self.schema(column, isNullable: !table.key.contains(column.name)))
                }
            }
            writer.key("required")
            writer.array { writer in table.columns.forEach { writer.value($0.name) } }
            writer.member("additionalProperties", false)
        }
        return writer.text
    }

    /// A value's schema. Key columns of a run have values only where the rows are a run's: `flatten` may know none.
    private static func schema(_ column: Column, isNullable: Bool) -> String {
        let mayBeNull = isNullable || column.name == "run_id"
        func typed(_ type: String, _ rest: String = "") -> String {
            mayBeNull ? #"{"type":["\#(type)","null"]\#(rest)}"# : #"{"type":"\#(type)"\#(rest)}"#
        }
        switch (column.type, column.entries) {
        case (.json, .texts):
            return typed("array", entries("values", #"{"type":"array","items":{"type":"string"}}"#))
        case (.json, .number): return typed("array", entries("value", #"{"type":"number"}"#))
        case (.json, nil): return typed("string", #","contentMediaType":"application/json""#)
        case (.text, _): return typed("string")
        case (.integer, _): return typed("integer")
        case (.real, _): return typed("number")
        case (.time, _):
            let pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.][0-9]{3}Z$"
            // To some a line's end may follow what '$' stands for.
            return typed("string", #","format":"date-time","maxLength":24,"pattern":"\#(pattern)""#)
        }
    }

    /// - Parameter schema: of what an entry has beside its name.
    private static func entries(_ name: String, _ schema: String) -> String {
        #","items":{"type":"object","properties":{"name":{"type":"string"},"\#(name)":\#(schema)},"#
            + #""required":["name","\#(name)"],"additionalProperties":false}"#
    }
}
