import PipelineCore
import PipelineTesting
import SQLitePlugins
import Testing

@Suite("The SQLite sink's tables: whose they are, and their columns", .timeLimit(.minutes(2)))
struct SQLiteTablesTests {
    private static let records: [SinkFixture.Record] = [.found("u", [.init("e1"), .init("e2")]), .failed("v")]

    @Test(
        "Another mode is refused, and the database stays as it was", arguments: WriteMode.allCases, WriteMode.allCases)
    func modes(first: WriteMode, second: WriteMode) async throws {
        let file = try SQLiteFile()
        try await SQLiteTrial(file: file, mode: first).write(1, Self.records)
        let schema = try SQLiteTrial(file: file, mode: first).schema()
        let error = await SQLiteTrial(file: file, mode: second).refusal()
        if first == second {
            #expect(error == nil)
        } else {
            #expect(error?.kind == .configuration)
            #expect(
                error?.message.contains(
                    "is written in mode '\(first.rawValue)' by pipeline 'nightly', not in mode '\(second.rawValue)'")
                    == true)
            #expect(error?.hint?.contains("Set mode: \(first.rawValue)") == true)
        }
        #expect(try SQLiteTrial(file: file, mode: first).schema() == schema)
        #expect(file.files == ["out.sqlite"])
    }

    @Test("Pipelines share tables, but not those of a replace", arguments: WriteMode.allCases)
    func pipelines(mode: WriteMode) async throws {
        let file = try SQLiteFile()
        try await SQLiteTrial(file: file, mode: mode).write(1, Self.records)
        let error = await SQLiteTrial(file: file, mode: mode, pipeline: "other").refusal()
        #expect(error?.kind == (mode == .replace ? .configuration : nil))
        #expect(error?.message.contains("belongs to pipeline 'nightly'") ?? (mode != .replace))
        #expect(
            try file.text("SELECT group_concat(DISTINCT pipeline || ' ' || mode) FROM sluice_tables")
                == "nightly \(mode.rawValue)")
    }

    @Test("A replace doesn't take the place of rows that nobody is known to have written")
    func unowned() async throws {
        let file = try SQLiteFile()
        try await SQLiteTrial(file: file, mode: .merge).write(1, Self.records)
        try file.execute("DELETE FROM sluice_tables")
        let error = await SQLiteTrial(file: file, mode: .replace).refusal()
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("has rows that no pipeline wrote") == true)
        #expect(await SQLiteTrial(file: file, mode: .merge).refusal() == nil)
    }

    @Test("Tables that were dropped belong to nobody")
    func dropped() async throws {
        let file = try SQLiteFile()
        try await SQLiteTrial(file: file, mode: .merge).write(1, Self.records)
        for table in SinkFixture.tables { try file.execute("DROP TABLE \(table.name)") }
        try await SQLiteTrial(file: file, mode: .append, pipeline: "other").write(2, Self.records)
        #expect(
            try file.text("SELECT group_concat(DISTINCT pipeline || ' ' || mode) FROM sluice_tables") == "other append")
    }

    @Test("Columns that the layout has and the table hasn't are added", arguments: WriteMode.allCases)
    func added(mode: WriteMode) async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: mode)
        try await trial.write(1, [.found("u", [.init("e1", address: "a", latitude: 1.5)])])
        try trial.file.execute(
            """
            ALTER TABLE endpoints DROP COLUMN address;
            ALTER TABLE endpoints DROP COLUMN location_latitude;
            ALTER TABLE endpoint_attributes DROP COLUMN value;
            """)
        let refused = SQLiteTrial(file: trial.file, mode: mode, onNewColumns: .refuse)
        let schema = try trial.schema()
        let error = await refused.refusal()
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("lacks the columns 'address', 'location_latitude'") == true)
        #expect(error?.hint?.contains("on_new_columns: add") == true)
        #expect(try trial.schema() == schema)
        try await trial.write(
            2, [.found("v", [.init("e2", address: "b", latitude: 2.5, attributes: ["n": ["x"]])])])
        #expect(
            try trial.file.query(
                "SELECT address, location_latitude, typeof(location_latitude) FROM endpoints ORDER BY 1"
            )
            .map { $0[0].text } == (mode == .replace ? ["b"] : [nil, "b"]))
        #expect(try trial.file.text("SELECT group_concat(value) FROM endpoint_attributes") == "x")
        #expect(
            try trial.file.text(
                "SELECT group_concat(type, ' ') FROM pragma_table_info('endpoints') "
                    + "WHERE name IN ('address', 'location_latitude')") == "TEXT REAL")
        #expect(await refused.refusal() == nil)
    }

    @Test("A column that comes while a replace is filled aside is added there too")
    func addedAside() async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .replace)
        let session = try await trial.open()
        try await trial.begin(1, session)
        await session.close()
        for table in ["endpoints", "sluice_next_endpoints"] {
            try trial.file.execute("ALTER TABLE \(table) DROP COLUMN address")
        }
        let later = try await trial.open()
        try await trial.commit(1, [.found("u", [.init("e1", address: "a")])], run: 1, later)
        try await trial.complete(later)
        await later.close()
        #expect(try trial.file.text("SELECT address FROM endpoints") == "a")
    }

    @Test("Key columns are never added")
    func keys() async throws {
        let file = try SQLiteFile()
        try file.execute("CREATE TABLE users (application_id TEXT NOT NULL, PRIMARY KEY (application_id))")
        let error = await SQLiteTrial(file: file, mode: .merge).refusal()
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("column 'user_id' is missing") == true)
    }

    @Test("The user's columns are left alone where a row can do without them", arguments: WriteMode.allCases)
    func further(mode: WriteMode) async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: mode)
        try await trial.open().close()
        try trial.file.execute(
            """
            ALTER TABLE users ADD COLUMN note TEXT;
            ALTER TABLE users ADD COLUMN seen INTEGER NOT NULL DEFAULT 7;
            ALTER TABLE endpoints ADD COLUMN domain TEXT AS (substr(address, 2)) VIRTUAL;
            """)
        try await trial.write(1, [.found("u", [.init("e1", address: "x.com")])])
        #expect(try trial.file.query("SELECT seen FROM users WHERE note IS NULL").first?.first?.integer == 7)
        #expect(try trial.file.text("SELECT domain FROM endpoints") == ".com")
        if mode == .merge {
            try trial.file.execute("UPDATE users SET note = 'mine'")
            try await trial.write(2, [.found("u", [.init("e1")])])
            #expect(try trial.file.text("SELECT note FROM users") == "mine")
        }
    }

    @Test(
        "A table in which different texts are equal is refused, and so is a name in another case",
        arguments: [
            (
                "CREATE TABLE endpoints (application_id TEXT NOT NULL, endpoint_id TEXT NOT NULL COLLATE NOCASE, "
                    + "PRIMARY KEY (application_id, endpoint_id))",
                "column 'endpoint_id' has the collation NOCASE"
            ),
            (
                "CREATE TABLE users (application_id TEXT NOT NULL, user_id TEXT NOT NULL, "
                    + "PRIMARY KEY (application_id, user_id COLLATE RTRIM))",
                "its key has 'user_id' in the collation RTRIM"
            ),
            (
                "CREATE TABLE users (application_id TEXT NOT NULL, user_id TEXT NOT NULL, "
                    + "PRIMARY KEY (application_id, user_id COLLATE NOCASE)) WITHOUT ROWID",
                "its key has 'user_id' in the collation NOCASE"
            ),
            (
                "CREATE TABLE endpoints (application_id TEXT NOT NULL, endpoint_id TEXT NOT NULL, "
                    + "user_id TEXT COLLATE NOCASE, PRIMARY KEY (application_id, endpoint_id))",
                "column 'user_id' has the collation NOCASE"
            ),
            (
                "CREATE TABLE sluice_tables (table_name TEXT COLLATE RTRIM PRIMARY KEY, pipeline TEXT, mode TEXT)",
                "column 'table_name' has the collation RTRIM"
            ),
            ("CREATE TABLE Users (ID INTEGER PRIMARY KEY, name TEXT)", "table 'Users' is there"),
            ("CREATE TABLE SLUICE_RUNS (a)", "table 'SLUICE_RUNS' is there"),
            ("CREATE VIEW Endpoint_Metrics AS SELECT 1", "view 'Endpoint_Metrics' is there"),
            ("CREATE TABLE t (a); CREATE INDEX Failures ON t (a)", "index 'Failures' is there"),
            (
                "CREATE TABLE endpoints (application_id TEXT NOT NULL, endpoint_id TEXT NOT NULL, Address TEXT, "
                    + "PRIMARY KEY (application_id, endpoint_id))",
                "column 'Address' isn't spelled 'address'"
            ),
            (
                "CREATE TABLE endpoints (application_id TEXT NOT NULL, endpoint_id TEXT NOT NULL, "
                    + "address TEXT AS (endpoint_id), PRIMARY KEY (application_id, endpoint_id))",
                "column 'address' is generated"
            ),
            (
                "CREATE TABLE endpoints (application_id TEXT NOT NULL, endpoint_id TEXT NOT NULL, "
                    + "PRIMARY KEY (application_id, endpoint_id)); "
                    + "CREATE UNIQUE INDEX again ON endpoints (application_id, endpoint_id COLLATE NOCASE)",
                "the unique index 'again' has 'endpoint_id' in the collation NOCASE"
            ),
            (
                "CREATE TABLE users (application_id TEXT NOT NULL, user_id TEXT NOT NULL, \"on conflict fail\" TEXT, "
                    + "PRIMARY KEY (application_id, user_id), UNIQUE (user_id COLLATE RTRIM, application_id))",
                "has 'user_id' in the collation RTRIM"
            ),
            (
                "CREATE TABLE endpoints (application_id TEXT NOT NULL, endpoint_id TEXT NOT NULL, "
                    + "address TEXT UNIQUE /* once */ ON CONFLICT replace, PRIMARY KEY (application_id, endpoint_id))",
                "it has a constraint ON CONFLICT REPLACE"
            ),
            (
                "CREATE TABLE users (application_id TEXT NOT NULL, user_id TEXT NOT NULL, status TEXT, "
                    + "PRIMARY KEY (application_id, user_id), UNIQUE (status) ON CONFLICT IGNORE)",
                "it has a constraint ON CONFLICT IGNORE"
            ),
        ])
    func comparisons(_ sql: String, _ words: String) async throws {
        let file = try SQLiteFile()
        try file.execute(sql)
        let error = await SQLiteTrial(file: file, mode: .merge).refusal()
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "no error")")
    }

    @Test("A trigger may have the name of a table")
    func triggers() async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .merge)
        try await trial.open().close()
        try trial.file.execute("CREATE TRIGGER USERS AFTER INSERT ON users BEGIN SELECT 1; END")
        try await trial.write(1, Self.records)
    }

    @Test(
        "The index of an earlier version gives way to the one that begins with the user", arguments: WriteMode.allCases)
    func formerIndex(mode: WriteMode) async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: mode)
        try await trial.write(1, Self.records)
        let session = try await trial.open()
        try await trial.begin(2, session)
        await session.close()
        let tables = mode == .replace ? ["endpoints", "sluice_next_endpoints"] : ["endpoints"]
        for table in tables {
            try trial.file.execute(
                """
                DROP INDEX "\(table)_user_id_application_id";
                CREATE INDEX "\(table)_application_id_user_id" ON "\(table)" ("application_id", "user_id");
                """)
        }
        try trial.file.execute("CREATE INDEX endpoints_mine ON endpoints (application_id, user_id)")
        let later = try await trial.open()
        try await trial.commit(1, Self.records, run: 2, later)
        try await trial.complete(later)
        await later.close()
        let indexes = try trial.file.query(
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND name NOT LIKE 'sqlite_%' AND name LIKE '%endpoints%' "
                + "ORDER BY 1"
        ).map { $0[0].text }
        #expect(indexes == ["endpoints_mine", "endpoints_user_id_application_id"])
    }
}
