import Flattening
import PipelineCore

/// One batch's rows by table, each row by column.
struct FlattenedBatch {
    var tables: [String: [[String: RowView.Value]]] = [:]
    var columns: [String: [String]] = [:]
    var counts: RunCounts

    init(_ records: [SourceRecord], mode: WriteMode = .merge) {
        var builder = BatchBuilder(layout: .normalized(mode: mode), run: Self.run)
        for record in records { builder.append(record) }
        self.init(&builder)
    }

    init(_ builder: inout BatchBuilder) {
        let (buffers, counts) = builder.finish()
        self.counts = counts
        for (table, buffer) in zip(builder.layout.tables, buffers) {
            columns[table.name] = table.columns.map(\.name)
            var rows: [[String: RowView.Value]] = []
            buffer.forEachRow { row in
                var values: [String: RowView.Value] = [:]
                for (place, column) in table.columns.enumerated() { values[column.name] = row[place] }
                rows.append(values)
            }
            tables[table.name] = rows
        }
    }

    subscript(table: String) -> [[String: RowView.Value]] { tables[table] ?? [] }

    static let run = RowContext(runID: "run-1", logicalDate: "2026-11-23T00:00:00.000Z", shard: 2)
}

/// What an answer becomes for the user `u` of the application `app`.
func answer(_ body: String, ordinal: Int = 0, user: String? = "u", application: String? = "app") throws -> SourceRecord
{
    let tape = try JSONTape(decoding: body)
    let form = tape.root["Item"].map { EndpointTape.Form.list(node: $0.index) } ?? .single(node: 0)
    return record(.found(EndpointTape(tape, form: form)), ordinal: ordinal, user: user, application: application)
}

func record(
    _ outcome: Outcome, ordinal: Int = 0, user: String? = "u", application: String? = "app",
    origin: RecordOrigin = RecordOrigin(file: nil, line: 0)
) -> SourceRecord {
    SourceRecord(
        ordinal: ordinal, userID: user, applicationID: application, next: .start, origin: origin, hashedBytes: [],
        outcome: outcome)
}
