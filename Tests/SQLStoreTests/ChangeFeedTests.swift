import PipelineCore
import PipelineTesting
import SQLStore
import Testing

@Suite("What merges changed, put together")
struct ChangeFeedTests {
    /// Rows of texts, some of them in a buffer.
    private struct Rows: RowCursor {
        var rows: [[String]]
        var atOnce: Int
        let columns: Int
        let places: [Int]

        mutating func nextRows() throws -> RowBuffer? {
            guard !rows.isEmpty else { return nil }
            var buffer = RowBuffer(columnCount: columns)
            for row in rows.prefix(atOnce) {
                for column in 0..<columns {
                    guard let place = places.firstIndex(of: column) else {
                        buffer.append(Cell.null)
                        continue
                    }
                    buffer.append(buffer.store(.text, row[place]))
                }
            }
            rows.removeFirst(min(atOnce, rows.count))
            return buffer
        }
    }

    private static let day = ["", "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z", "2026-01-03T00:00:00.000Z"]

    private func queries() -> [StoredContent.ChangeQuery] {
        let tables = SinkFixture.tables
        var columns = Dictionary(uniqueKeysWithValues: tables.map { ($0.name, Set($0.columns.map(\.name))) })
        columns["endpoints"]?.insert("changed_at")
        columns["removals"] = Set(MergeRecords.removals.columns.map(\.name))
        return StoredContent(
            ScriptedDatabase(), SinkReadingContext(pipeline: "nightly", tables: tables), mode: .merge, columns: columns
        ).changeQueries(
            in: ChangeWindow(since: Self.day[1]), bytewise: { "bytes(\($0))" }, value: { "\($0.name).\($1.name)" })
    }

    /// What a feed gives, a line for each row: `endpoints e1`.
    private func changes(
        endpoints: [(id: String, day: Int)], attributes: [(id: String, value: String)] = [],
        metrics: [(id: String, value: String)] = [], removals: [(id: String, day: Int)] = [], atOnce: Int
    ) throws -> [String] {
        let rows: [String: [[String]]] = [
            "endpoints": endpoints.map { ["app", $0.id, Self.day[$0.day]] },
            "endpoint_attributes": attributes.map { ["app", $0.id, $0.value] },
            "endpoint_metrics": metrics.map { ["app", $0.id, $0.value] },
            "removals": removals.map { ["app", $0.id, Self.day[$0.day]] },
        ]
        let queries = queries()
        let made = ChangeFeed(queries) { query, _ in
            let third = query.table.index(of: "changed_at") ?? query.table.index(of: "logical_date") ?? 2
            return Rows(
                rows: rows[query.table.name] ?? [], atOnce: atOnce, columns: query.table.columns.count,
                places: [0, 1, third])
        }
        var feed = try #require(made)
        var lines: [String] = []
        while true {
            let changes = try feed.next()
            if changes.isEmpty { return lines }
            for change in changes {
                let table = queries[change.table].table
                var row = 0
                change.buffer.forEachRow { view in
                    defer { row += 1 }
                    guard change.rows.contains(row), case .text(let id) = view[1] else { return }
                    var line = "\(table.name) \(id)"
                    if table.role == .endpointParts, case .text(let value) = view[2] { line += " \(value)" }
                    lines.append(line)
                }
            }
        }
    }

    @Test("An endpoint's parts follow it, and removals stand where their date and key are", arguments: [1, 2, 3, 100])
    func order(atOnce: Int) throws {
        let lines = try changes(
            endpoints: [("b", 1), ("d", 1), ("a", 2), ("c", 2)],
            attributes: [("b", "x"), ("b", "y"), ("a", "x"), ("a", "y"), ("a", "z"), ("c", "x")],
            metrics: [("d", "m"), ("c", "m")],
            removals: [("a", 1), ("d", 1), ("b", 2), ("c", 3)], atOnce: atOnce)
        #expect(
            lines == [
                "removals a", "endpoints b", "endpoint_attributes b x", "endpoint_attributes b y", "removals d",
                "endpoints d", "endpoint_metrics d m", "endpoints a", "endpoint_attributes a x",
                "endpoint_attributes a y", "endpoint_attributes a z", "removals b", "endpoints c",
                "endpoint_attributes c x", "endpoint_metrics c m", "removals c",
            ])
        #expect(
            try changes(endpoints: [], removals: [("a", 1), ("b", 1)], atOnce: atOnce) == ["removals a", "removals b"])
        #expect(try changes(endpoints: [("a", 1)], atOnce: atOnce) == ["endpoints a"])
        #expect(try changes(endpoints: [], atOnce: atOnce).isEmpty)
    }

    @Test("An endpoint with parts beyond measure is given in pieces")
    func pieces() throws {
        let parts = (0..<5000).map { (id: "b", value: "\($0)") }
        let lines = try changes(
            endpoints: [("a", 1), ("b", 1), ("c", 1)], attributes: parts, metrics: [("b", "m"), ("c", "m")], atOnce: 3)
        #expect(lines.count == 5005)
        #expect(lines.prefix(2) == ["endpoints a", "endpoints b"])
        #expect(lines.suffix(3) == ["endpoint_metrics b m", "endpoints c", "endpoint_metrics c m"])
        #expect(Array(lines[2..<5002]) == parts.map { "endpoint_attributes b \($0.value)" })
    }

    @Test("Queries name the tables and the order; what came back by a run of an earlier date isn't removed")
    func statements() throws {
        let queries = queries()
        #expect(queries.map(\.table.name) == ["endpoints", "endpoint_attributes", "endpoint_metrics", "removals"])
        let key = #"bytes(e."application_id"), bytes(e."endpoint_id")"#
        #expect(
            queries[0].sql?.hasSuffix(
                #"endpoints.changed_at FROM s.endpoints AS t WHERE t."changed_at" >= '2026-01-01T00:00:00.000Z' "#
                    + #"ORDER BY t."changed_at", bytes(t."application_id"), bytes(t."endpoint_id")"#) == true)
        #expect(
            queries[1].sql?.hasSuffix(
                #"FROM s.endpoints AS e JOIN s.endpoint_attributes AS t ON t."application_id" = e."application_id" "#
                    + #"AND t."endpoint_id" = e."endpoint_id" WHERE e."changed_at" >= '2026-01-01T00:00:00.000Z' "#
                    + #"ORDER BY e."changed_at", \#(key), bytes(t."name"), t."position""#) == true)
        #expect(
            queries[3].sql?.hasSuffix(
                #"WHERE t."logical_date" >= '2026-01-01T00:00:00.000Z' AND NOT EXISTS (SELECT 1 FROM s.endpoints AS e "#
                    + #"WHERE e."application_id" = t."application_id" AND e."endpoint_id" = t."endpoint_id" "#
                    + #"AND e."changed_at" < t.logical_date) "#
                    + #"ORDER BY t."logical_date", bytes(t."application_id"), bytes(t."endpoint_id"), bytes(t.run_id)"#)
                == true)
    }

    @Test(
        "JSON is spelled in one way",
        arguments: [
            (#"{"a": [1, 2.50, null], "b c": {"d": "e: , f"}}"#, #"{"a":[1,2.50,null],"b c":{"d":"e: , f"}}"#),
            (#""\b\f\n\\ \" ü""#, #""\u0008\u000c\n\\ \" ü""#),
            (#"{"\\": " \\", "x": "\u0001"}"#, #"{"\\":" \\","x":"\u0001"}"#),
            ("", ""), (#""\"#, #""\"#),
        ])
    func spelling(document: String, spelled: String) {
        #expect(CompactJSON.of(document) == spelled)
    }
}
