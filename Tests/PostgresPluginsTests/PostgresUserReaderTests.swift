import Foundation
import PipelineCore
import PipelineTesting
import PostgresPlugins
import Testing

/// IDs from queries of a real server, compared with what Python sorts.
@Suite("Postgres user reader", .enabled(if: PostgresCluster.shared != nil), .timeLimit(.minutes(5)))
struct PostgresUserReaderTests {
    @Test("What every user reader promises", arguments: UserReaderConformance.Check.allCases)
    func conforms(_ check: UserReaderConformance.Check) async throws {
        let place = try PostgresQueryTrial()
        try await UserReaderConformance(
            expected: { ids in
                Set(ids.map { Array($0.utf8) }).sorted { $0.lexicographicallyPrecedes($1) }
                    .map { String(decoding: $0, as: UTF8.self) }
            },
            makeReader: { ids in
                let table = "t_\(UUID().uuidString.lowercased().prefix(8))"
                try place.fill(table, ids)
                let reader = try place.reader("SELECT id FROM \"\(place.schema.name)\".\(table)", state: table)
                try await reader.prepare(for: PostgresQueryTrial.run)
                return reader
            }
        ).run(check)
    }

    static let values: [(query: String, ids: [String?])] = [
        ("SELECT g FROM generate_series(1, 11) AS g", ["1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"]),
        (
            "VALUES ('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid), ('00000000-0000-0000-0000-000000000001')",
            ["00000000-0000-0000-0000-000000000001", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]
        ),
        ("VALUES (1.50::numeric), (2), (NULL), (NULL)", [nil, "1.50", "2"]),
        ("VALUES (0.1::float8), (-2), (1e100)", ["-2", "0.1", "1e+100"]),
        ("VALUES ('b'::text), (''), ('a'), (NULL), ('b')", [nil, "", "a", "b"]),
        (
            "VALUES (E'a\\nb'::text), (E'a\\tb'), (E'\\\\N'), (E'\\\\'), (E'a\\\\nb'), (E'\\x01\\b\\f\\r\\x0b')",
            ["\u{1}\u{8}\u{c}\r\u{b}", "\\", "\\N", "a\tb", "a\nb", "a\\nb"]
        ),
        (
            "VALUES (E'\\u00e9'::text), (E'e\\u0301'), ('Z'), ('a'), ('A'), ('👩'), (E'\\uFFFF')",
            ["A", "Z", "a", "e\u{301}", "\u{e9}", "\u{FFFF}", "👩"]
        ),
        ("VALUES ('\\x6100'::bytea)", ["\\x6100"]), ("VALUES (true), (false)", ["false", "true"]),
        ("VALUES ('a '::varchar), ('a')", ["a", "a "]),
        ("SELECT ''::text WHERE false", []),
        ("SELECT id FROM (VALUES ('ä' COLLATE \"C\"), ('z')) AS t(id) ORDER BY id DESC", ["z", "ä"]),
    ]

    @Test("Values of all types become text, each once, in the order of their bytes", arguments: values.indices)
    func types(index: Int) async throws {
        let place = try PostgresQueryTrial()
        let (query, ids) = Self.values[index]
        let records = try await place.records(place.reader(query))
        #expect(place.texts(records) == ids, "\(query)")
        for (row, record) in records.enumerated() where ids[row] == nil {
            guard case .fault(let fault) = record.content else { return #expect(Bool(false), "NULL must be a fault") }
            #expect(fault.message == "row \(row + 1): the user ID is NULL" && record.line == 0)
        }
    }

    @Test("Any texts at random, from columns of any collation", arguments: ["\"C\"", "\"und-x-icu\"", "\"default\""])
    func random(collation: String) async throws {
        let place = try PostgresQueryTrial()
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededNumbers(seed)
        let parts = [
            "a", "Z", "é", "e\u{301}", "\u{FFFD}", "\u{10000}", "👩", "\n", "\\", "'", "\u{E000}", " ", "\t", "N",
        ]
        let ids = (0..<4000).map { _ in
            (0..<Int.random(in: 1...4, using: &random)).map { _ in parts.randomElement(using: &random) ?? "" }.joined()
        }
        try place.fill("t", ids, type: "text COLLATE \(collation)")
        let records = try await place.records(place.reader("SELECT id FROM \"\(place.schema.name)\".t"))
        let expected = Set(ids.map { Array($0.utf8) }).sorted { $0.lexicographicallyPrecedes($1) }
        #expect(records.map(\.hashedBytes) == expected, "seed \(seed)")
    }

    @Test("A longer value than an ID may be is a fault, whose bytes are cut")
    func long() async throws {
        let place = try PostgresQueryTrial()
        let records = try await place.records(
            place.reader("VALUES (repeat('x', 65536)), (repeat('y', 65537)), (repeat('z', 5000000))"))
        #expect(records.map(\.hashedBytes.count) == [65_536, 65_536, 65_536])
        let codes = records.map { record -> InputFault.Code? in
            if case .fault(let fault) = record.content { fault.code } else { nil }
        }
        #expect(codes == [nil, .invalidUserID, .invalidUserID])
    }

    @Test("Databases in other encodings: their texts become UTF-8, or a fault where they have no encoding at all")
    func encodings() async throws {
        let place = try PostgresQueryTrial()
        let cases: [(encoding: String, bytes: [[UInt8]], codes: [InputFault.Code])] = [
            ("LATIN1", [[0x61], [0xC3, 0xA4]], []), ("SQL_ASCII", [[0x61], [0xE4]], [.invalidEncoding]),
        ]
        for (encoding, bytes, codes) in cases {
            let name = "t_\(UUID().uuidString.lowercased().prefix(8))"
            try place.schema.execute(
                "CREATE DATABASE \(name) ENCODING '\(encoding)' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
            let url = place.schema.url.replacing("/sluice", with: "/\(name)")
            let reader = try place.reader("VALUES (chr(228)), ('a'), ('a')", url: url, state: encoding)
            let records = try await place.records(reader)
            #expect(records.map(\.hashedBytes) == bytes)
            let found = records.compactMap { record -> InputFault.Code? in
                if case .fault(let fault) = record.content { fault.code } else { nil }
            }
            #expect(found == codes)
            try place.schema.execute("DROP DATABASE \(name)")
        }
    }

    @Test(
        "Forms in which a query may be written",
        arguments: [
            "SELECT id FROM t;", "select id from t -- all of them", "SELECT id FROM t; -- ; done",
            "/* a; /* b; */ */ (SELECT id FROM t) ;;\n", "WITH x AS (SELECT id FROM t) SELECT id FROM x",
            "SELECT id FROM t ORDER BY id DESC LIMIT 100", "TABLE t", "VALUES ('1'), ('2'), ('10')",
            "SELECT id AS q FROM t UNION ALL SELECT id FROM t",
            "SELECT id FROM t AS q WHERE id <> ';' AND $$;$$ <> E'\\';';",
            "SELECT id FROM t WHERE $a$;'$a$ <> U&';'; /* ; */",
            "SELECT \"i;d\" FROM (SELECT id AS \"i;d\" FROM t) AS x;",
        ])
    func forms(query: String) async throws {
        let place = try PostgresQueryTrial()
        try place.fill("t", ["1", "10", "2"])
        let reader = try place.reader(query, path: true)
        #expect(place.texts(try await place.records(reader)) == ["1", "10", "2"])
    }

    static let wrongQueries: [(query: String, words: [String])] = [
        ("SELECT id, name FROM people", ["2 columns (id, name), not one"]),
        ("SELECT * FROM people", ["3 columns (id, name, city)"]), ("SELECT FROM people", ["gives no column"]),
        ("SELECT ident FROM people", ["column \"ident\" does not exist", "people (id, name, city)"]),
        ("SELECT id FROM persons", ["relation \"persons\" does not exist", "people (id, name, city)"]),
        ("SELECT id FROM people; SELECT id FROM people", ["multiple commands"]),
        ("SELECT id FROM people; DROP TABLE people", ["multiple commands"]),
        ("DELETE FROM people RETURNING id", ["is no SELECT"]), ("SHOW server_version", ["is no SELECT"]),
        ("EXPLAIN SELECT id FROM people", ["is no SELECT"]), ("COPY people TO STDOUT", ["is no SELECT"]),
        ("WITH x AS (DELETE FROM people RETURNING id) SELECT id FROM x", ["[0A000]"]),
        ("WITH x AS (SELECT 1) DELETE FROM people RETURNING id", ["[42601]"]),
        ("SELECT id INTO copied FROM people", ["no column"]),
        ("SELECT id FROM people FOR UPDATE", ["read-only", "changes nothing"]),
        ("SELECT nextval('counter')", ["read-only"]), ("SELECT id FROM people WHERE name = $1", ["[42P02]"]),
        ("SELEC id FROM people", ["is no SELECT"]), ("-- nothing", ["is no SELECT"]), (";", ["is no SELECT"]),
        ("SELECT id) AS x FROM (SELECT id FROM people", ["[42601]"]),
        ("SELECT 1) AS q(id)) TO STDOUT; DROP TABLE people; --", ["[42601]"]),
        ("SELECT name::int FROM people", ["(22P02)"]), ("SELECT 1 / 0", ["(22012)"]),
    ]

    @Test("Wrong queries are told apart, and nothing changes", arguments: wrongQueries.indices)
    func wrong(index: Int) async throws {
        let (query, words) = Self.wrongQueries[index]
        let place = try PostgresQueryTrial()
        try place.schema.execute(
            """
            CREATE SCHEMA IF NOT EXISTS "\(place.schema.name)"; CREATE SEQUENCE counter;
            CREATE TABLE people (id int, name text, city text); INSERT INTO people VALUES (1, 'Ann-Secret', 'Berlin')
            """)
        let error = try #require(await place.refusal(place.reader(query, path: true)))
        #expect(error.kind == .configuration, "\(error)")
        for word in words { #expect("\(error)".contains(word), "\(error)") }
        #expect(!"\(error)".contains("Ann-Secret"), "\(error)")
        #expect(try place.schema.text("SELECT count(*) FROM people") == "1")
        #expect(place.spools() == [])
    }
}

/// The same numbers for the same seed, so that a failure can be repeated.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
