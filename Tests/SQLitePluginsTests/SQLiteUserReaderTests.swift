import Foundation
import PipelineCore
import PipelineTesting
import SQLitePlugins
import Testing

/// IDs from queries, compared with what Python makes of the same values.
@Suite("SQLite user reader", .timeLimit(.minutes(5)))
struct SQLiteUserReaderTests {
    @Test("What every user reader promises", arguments: UserReaderConformance.Check.allCases)
    func conforms(_ check: UserReaderConformance.Check) async throws {
        let place = try QueryTrial()
        try await UserReaderConformance(
            makeMissing: {
                let reader = place.reader("SELECT id FROM t", file: "missing.sqlite")
                try await reader.prepare(for: QueryTrial.run())
                return reader
            },
            expected: {
                Set($0.map { Array($0.utf8) }).sorted(by: QueryTrial.precedes).map {
                    String(decoding: $0, as: UTF8.self)
                }
            },
            makeReader: { ids in
                let name = "\(UUID().uuidString).sqlite"
                try place.fill(name, "id TEXT", ids.map { .text(Array($0.utf8)) })
                let reader = place.reader("SELECT id FROM t", file: name, state: name + "-state")
                try await reader.prepare(for: QueryTrial.run())
                return reader
            }
        ).run(check)
    }

    /// A value, and its bytes as an ID.
    static let values: [(QueryTrial.Value, [UInt8]?)] = [
        (.null, nil), (.null, nil), (.integer(7), Array("7".utf8)), (.integer(-12), Array("-12".utf8)),
        (.integer(Int64.max), Array("9223372036854775807".utf8)), (.text(Array("007".utf8)), Array("007".utf8)),
        (.real(1.5), Array("1.5".utf8)), (.real(2), Array("2.0".utf8)), (.text([]), []), (.blob([]), []),
        (.text(Array("7".utf8)), Array("7".utf8)), (.blob(Array("7".utf8)), Array("7".utf8)),
        (.text(Array("\u{e9}".utf8)), [0xC3, 0xA9]), (.text(Array("e\u{301}".utf8)), [0x65, 0xCC, 0x81]),
        (.text(Array("A".utf8)), Array("A".utf8)), (.text(Array("a".utf8)), Array("a".utf8)),
        (.text(Array("a ".utf8)), Array("a ".utf8)), (.text(Array("a\nb".utf8)), Array("a\nb".utf8)),
        (.blob([0x61, 0, 0x62]), [0x61, 0, 0x62]), (.blob([0xFF, 0x61]), [0xFF, 0x61]),
        (.text(Array("\u{FFFF}".utf8)), [0xEF, 0xBF, 0xBF]), (.text(Array("👩".utf8)), [0xF0, 0x9F, 0x91, 0xA9]),
        (.text([UInt8](repeating: 120, count: 65_536)), [UInt8](repeating: 120, count: 65_536)),
    ]

    @Test(
        "Values of all types become text, each once, in the order of their bytes",
        arguments: [
            "id", "id TEXT COLLATE NOCASE", "id BLOB", "id TEXT COLLATE RTRIM", "id PRIMARY KEY COLLATE NOCASE",
        ])
    func types(column: String) async throws {
        let place = try QueryTrial()
        var values = Self.values.shuffled()
        if column.contains("TEXT") { values.removeAll { if case .real = $0.0 { true } else { false } } }
        if column.contains("PRIMARY KEY") { values.removeAll { $0.1 == [0x61] || $0.1 == Array("7".utf8) } }
        try place.fill("t.sqlite", column, values.map(\.0))
        let expected = Set(values.compactMap(\.1)).sorted(by: QueryTrial.precedes)
        let reader = place.reader("SELECT id FROM t")
        let records = try await place.records(reader)
        #expect(QueryTrial.bytes(records) == [nil] + expected)
        #expect(records.map(\.line).allSatisfy { $0 == 0 })
        #expect(QueryTrial.codes(records) == [.missingField, .emptyUserID, .invalidEncoding])
        guard case .fault(let fault) = records[0].content else { return #expect(Bool(false), "NULL must be a fault") }
        #expect(fault.message == "row 1: the user ID is NULL")
    }

    @Test("Any values at random", arguments: ["UTF-8", "UTF-16le", "UTF-16be"])
    func random(encoding: String) async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed)
        let scalars = [
            "a", "Z", "é", "e\u{301}", "\u{FFFD}", "\u{FFFB}", "\u{10000}", "👩", "\n", "\\", "'", "\u{E000}", " ",
        ]
        let texts = (0..<3000).map { _ in
            (0..<Int.random(in: 1...4, using: &random)).map { _ in scalars.randomElement(using: &random) ?? "" }
                .joined()
        }
        let place = try QueryTrial()
        try place.fill("t.sqlite", "id", texts.map { .text(Array($0.utf8)) }, encoding: encoding)
        let expected = Set(texts.map { Array($0.utf8) }).sorted(by: QueryTrial.precedes)
        let records = try await place.records(place.reader("SELECT id FROM t"))
        #expect(QueryTrial.bytes(records) == expected, "seed \(seed)")
    }

    @Test("A longer value than an ID may be is a fault, whose bytes are cut")
    func long() async throws {
        let place = try QueryTrial()
        try place.fill("t.sqlite", "id", [.text([UInt8](repeating: 120, count: 3_000_000)), .text([121])])
        let records = try await place.records(place.reader("SELECT id FROM t"))
        #expect(QueryTrial.codes(records) == [.invalidUserID])
        #expect(QueryTrial.bytes(records) == [[UInt8](repeating: 120, count: 65_536), [121]])
    }

    @Test(
        "Forms in which a query may be written",
        arguments: [
            "SELECT id FROM t;", "select id from t -- all of them", "SELECT id FROM t; -- ; done",
            "/* a; b */ SELECT id FROM t ;;\n",
            "WITH x AS (SELECT id FROM t) SELECT id FROM x", "SELECT id FROM t ORDER BY id DESC LIMIT 100",
            "VALUES ('1'), ('2'), ('10')", "SELECT id AS \"sluice\" FROM t UNION ALL SELECT id FROM t",
            "SELECT id FROM (SELECT id, 1 FROM t)", "SELECT [id] FROM t WHERE 'it''s;' <> ';';", "SELECT id FROM q",
        ])
    func forms(query: String) async throws {
        let place = try QueryTrial()
        try place.fill("t.sqlite", "id", ["1", "10", "2"].map { .text(Array($0.utf8)) })
        try SQLiteFile(path: place.path("t.sqlite")).execute("CREATE VIEW q AS SELECT * FROM t")
        #expect(QueryTrial.bytes(try await place.records(place.reader(query))) == [[49], [49, 48], [50]])
    }

    static let wrongQueries: [(query: String, words: [String])] = [
        ("SELECT id, name FROM people", ["2 columns (id, name), not one"]),
        ("SELECT * FROM people", ["3 columns (id, name, city)"]),
        ("SELECT ident FROM people", ["no such column: ident", "people (id, name, city)"]),
        ("SELECT \"ident\" FROM people", ["no such column: ident"]),
        ("SELECT id FROM persons", ["no such table: persons", "people (id, name, city)"]),
        ("SELECT id FROM people; SELECT id FROM people", ["more than one statement"]),
        ("SELECT id FROM people; nonsense", ["more than one statement"]),
        ("SELECT id FROM people; DROP TABLE people", ["more than one statement"]),
        ("DELETE FROM people", ["is no SELECT"]),
        ("INSERT INTO people VALUES (1, 2, 3) RETURNING id", ["is no SELECT"]),
        ("WITH x AS (SELECT 1) DELETE FROM people RETURNING id", ["changes the database"]),
        ("PRAGMA user_version", ["is no SELECT"]), ("EXPLAIN SELECT id FROM people", ["is no SELECT"]),
        ("ATTACH 'x' AS y", ["is no SELECT"]), ("-- nothing", ["is no SELECT"]), (";", ["is no SELECT"]),
        ("SELECT id FROM people WHERE name = ?", ["parameter"]),
        ("SELECT id FROM people WHERE name = :name", ["parameter"]),
        ("SELEC id FROM people", ["is no SELECT"]), ("SELECT id FROM", ["incomplete input"]),
        ("SELECT id) AS x FROM (SELECT id FROM people", ["syntax error"]),
    ]

    @Test("Wrong queries are told apart, and nothing changes", arguments: wrongQueries.indices)
    func wrong(index: Int) async throws {
        let (query, words) = Self.wrongQueries[index]
        let place = try QueryTrial()
        let file = SQLiteFile(path: place.path("t.sqlite"))
        try file.execute("CREATE TABLE people (id, name, city); INSERT INTO people VALUES (1, 'Ann', 'Berlin')")
        let error = try #require(await place.refusal(place.reader(query)))
        #expect(error.kind == .configuration)
        for word in words { #expect("\(error)".contains(word), "\(error)") }
        #expect(error.message.hasPrefix("t.sqlite:"))
        #expect(try file.query("SELECT count(*) FROM people")[0][0].integer == 1)
        #expect(place.spools() == [])
    }

    @Test("Options are checked before anything is opened")
    func options() throws {
        let context = PluginContext(
            pipeline: "nightly", name: "sqlite", stateDirectory: "/nowhere", environment: [:], version: "1",
            warn: { _ in })
        let path = OptionValue.path(PathOption(written: "a", resolved: "/nowhere/a"))
        for query in ["", " \n", "SELECT '\0'"] {
            #expect(throws: OptionError.self) {
                try SQLiteUserReader.make(Options(["path": path, "query": .text(query)]), context)
            }
        }
        _ = try SQLiteUserReader.make(Options(["path": path, "query": .text("SELECT 1")]), context)
        #expect(SQLiteUserReader.kind == .userReader && SQLiteUserReader.typeName == "sqlite")
    }
}
