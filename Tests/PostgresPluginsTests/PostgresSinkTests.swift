import Foundation
import PipelineCore
import PipelineTesting
import PostgresPlugins
import Testing

@Suite("The Postgres sink", .enabled(if: PostgresCluster.shared != nil), .serialized, .timeLimit(.minutes(5)))
struct PostgresSinkTests {
    private static let run = RunRecord(
        runID: "conformance-20261123T000000Z", state: .running, logicalDate: SinkFixture.logicalDate,
        startedAt: "2026-11-23T01:02:03.004Z", version: "1.2.3")

    private static func context(_ mode: WriteMode = .merge, onNewColumns: NewColumnsPolicy = .add) -> SinkContext {
        SinkContext(pipeline: "conformance", tables: SinkFixture.tables(for: mode), onNewColumns: onNewColumns)
    }

    private func schema() throws -> PostgresSchema { PostgresSchema(try #require(PostgresCluster.shared)) }

    private func error(
        _ schema: PostgresSchema, url: String? = nil, _ mode: WriteMode = .merge, onNewColumns: NewColumnsPolicy = .add
    ) async -> PipelineError? {
        do {
            let sink = try schema.sink(mode, url: url)
            let session = try await sink.open(Self.context(mode, onNewColumns: onNewColumns))
            await session.close()
            return nil
        } catch { return error as? PipelineError }
    }

    // MARK: Tables

    @Test("Tables have the columns, types, collations and keys that they are documented with")
    func ddl() async throws {
        let schema = try schema()
        #expect(await error(schema) == nil)
        let columns = """
            SELECT string_agg(format('%s %s%s%s', attname, format_type(atttypid, atttypmod),
                CASE WHEN attnotnull THEN ' NOT NULL' END,
                CASE WHEN collname <> 'default' THEN ' ' || collname END), ', ' ORDER BY attnum)
            FROM pg_attribute LEFT JOIN pg_collation c ON c.oid = attcollation
            WHERE attnum > 0 AND attrelid = '%'::regclass
            """
        func described(_ table: String) throws -> String {
            try schema.text(columns.replacing("%'", with: "\(table)'"))
        }
        #expect(
            try described("endpoints")
                == "application_id text NOT NULL C, endpoint_id text NOT NULL C, user_id text, address text, "
                + "effective_date timestamp with time zone, location_latitude double precision, extra jsonb, "
                + "ordinal bigint, run_id text, logical_date timestamp with time zone, "
                + "changed_at timestamp with time zone")
        #expect(
            try described("endpoint_attributes")
                == "application_id text NOT NULL C, endpoint_id text NOT NULL C, name text NOT NULL C, "
                + "\"position\" bigint NOT NULL, value text".replacing("\"", with: ""))
        #expect(
            try described("sluice_checkpoints")
                == "pipeline text NOT NULL C, shard bigint NOT NULL, run_id text, commit_number bigint, "
                + "next_ordinal bigint, consumed bigint, input_ended bigint, position jsonb, parked jsonb, counts jsonb, "
                + "input_hash text, source_state jsonb, fingerprint text, updated_at timestamp with time zone")
        #expect(
            try schema.text(
                """
                SELECT string_agg(regexp_replace(indexdef, '"?t_[0-9a-f]+"?\\.', ''), E'\\n' ORDER BY indexdef)
                FROM pg_indexes WHERE schemaname = '\(schema.name)' AND tablename LIKE 'endpoint%'
                """)
                    == """
                    CREATE INDEX endpoints_user_id_application_id_idx ON endpoints USING btree (user_id, application_id)
                    CREATE UNIQUE INDEX endpoint_attributes_pkey ON endpoint_attributes USING btree \
                    (application_id, endpoint_id, name, "position")
                    CREATE UNIQUE INDEX endpoint_metrics_pkey ON endpoint_metrics USING btree (application_id, endpoint_id, name)
                    CREATE UNIQUE INDEX endpoints_pkey ON endpoints USING btree (application_id, endpoint_id)
                    """)
    }

    @Test("Missing columns are added or refused, the user's own stay", arguments: NewColumnsPolicy.allCases)
    func newColumns(policy: NewColumnsPolicy) async throws {
        let schema = try schema()
        #expect(await error(schema) == nil)
        try schema.execute(
            """
            ALTER TABLE endpoints DROP COLUMN address, ADD COLUMN mine text DEFAULT 'x';
            DELETE FROM sluice_tables WHERE false
            """)
        let error = await error(schema, onNewColumns: policy)
        let columns = try schema.text(
            "SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute "
                + "WHERE attrelid = 'endpoints'::regclass AND attname IN ('address', 'mine')")
        switch policy {
        case .add:
            #expect(error == nil)
            #expect(columns == "address mine")
        case .refuse:
            #expect(error?.kind == .configuration)
            #expect(error?.message.contains("'address'") == true, "\(error?.message ?? "")")
            #expect(columns == "mine")
        }
    }

    @Test(
        "Tables that differ are refused, and every difference is named",
        arguments: [
            ("ALTER TABLE users ALTER ordinal TYPE integer", "column 'ordinal' is integer, not bigint"),
            ("ALTER TABLE endpoints DROP CONSTRAINT endpoints_pkey", "its key is ()"),
            ("ALTER TABLE users ADD mine text NOT NULL", "column 'mine', which isn't the layout's, is NOT NULL"),
            ("DROP TABLE failures; CREATE VIEW failures AS SELECT 1", "'failures' is there, but isn't a table"),
            (
                "UPDATE sluice_tables SET mode = 'append'; INSERT INTO users (application_id, user_id) VALUES ('a', 'u')",
                "is written in mode 'append' by pipeline"
            ),
            (
                "ALTER TABLE users DROP CONSTRAINT users_pkey, "
                    + "ADD PRIMARY KEY (application_id, user_id) DEFERRABLE INITIALLY DEFERRED",
                "table 'users' exists and differs: its key is DEFERRABLE"
            ),
            (
                "ALTER TABLE sluice_checkpoints DROP CONSTRAINT sluice_checkpoints_pkey, "
                    + "ADD PRIMARY KEY (pipeline, shard) DEFERRABLE",
                "table 'sluice_checkpoints' exists and differs: its key is DEFERRABLE"
            ),
            (
                "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false); "
                    + "ALTER TABLE endpoints ALTER user_id TYPE text COLLATE loose",
                "column 'user_id' has a collation in which different texts are equal"
            ),
            ("ALTER TABLE endpoints SET UNLOGGED", "UNLOGGED: 'endpoints'"),
            ("ALTER TABLE sluice_runs SET UNLOGGED", "UNLOGGED: 'sluice_runs'"),
            (
                "DROP TABLE users; CREATE TABLE users (application_id text COLLATE \"C\", user_id text COLLATE \"C\", "
                    + "PRIMARY KEY (application_id, user_id)) PARTITION BY HASH (user_id); "
                    + "CREATE TABLE half PARTITION OF users FOR VALUES WITH (MODULUS 2, REMAINDER 0); "
                    + "CREATE UNLOGGED TABLE other PARTITION OF users FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
                "UNLOGGED: 'other' of 'users'"
            ),
        ])
    func differences(_ sql: String, _ words: String) async throws {
        let schema = try schema()
        #expect(await error(schema) == nil)
        try schema.execute(sql)
        let error = await error(schema)
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "no error")")
    }

    @Test("A table that is made UNLOGGED between two connections of a session is found")
    func unloggedMeanwhile() async throws {
        let schema = try schema()
        let session = try await schema.sink().open(Self.context())
        _ = try await session.begin(Self.run, fingerprint: "f")
        try schema.execute(
            """
            ALTER TABLE endpoint_attributes SET UNLOGGED;
            SELECT pg_terminate_backend(l.pid) FROM pg_locks AS l
            WHERE l.locktype = 'advisory' AND l.pid <> pg_backend_pid()
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """)
        let batch = SinkFixture.batch(
            [.found("u", [.init("e")])], commitNumber: 1, firstOrdinal: 0, runID: Self.run.runID)
        let error = await #expect(throws: PipelineError.self) { _ = try await session.prepare(batch) }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("UNLOGGED: 'endpoint_attributes'") == true, "\(error?.message ?? "")")
        await session.close()
    }

    @Test("The index of an earlier version gives way to the one that begins with the user")
    func formerIndex() async throws {
        let schema = try schema()
        #expect(await error(schema) == nil)
        func indexes() throws -> String {
            try schema.text(
                "SELECT string_agg(indexname, ' ' ORDER BY indexname) FROM pg_indexes "
                    + "WHERE schemaname = '\(schema.name)' AND tablename = 'endpoints' AND indexname <> 'endpoints_pkey'"
            )
        }
        try schema.execute(
            """
            DROP INDEX endpoints_user_id_application_id_idx; CREATE INDEX ON endpoints (application_id, user_id);
            CREATE INDEX mine ON endpoints (application_id, user_id)
            """)
        // A role that owns nothing goes on with what is there.
        let role = "role_\(schema.name)"
        try schema.execute(
            """
            CREATE ROLE \(role) LOGIN; GRANT USAGE ON SCHEMA "\(schema.name)" TO \(role);
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "\(schema.name)" TO \(role)
            """)
        #expect(await error(schema, url: schema.url.replacing("etl@", with: "\(role)@")) == nil)
        try schema.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
        #expect(try indexes() == "endpoints_application_id_user_id_idx mine")
        #expect(await error(schema) == nil)
        #expect(try indexes() == "endpoints_user_id_application_id_idx mine")
    }

    @Test("Two first runs in one schema don't collide")
    func together() async throws {
        let schema = try schema()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for shard in 0..<6 {
                group.addTask {
                    try await schema.sink().open(
                        SinkContext(pipeline: "conformance", shard: shard, tables: SinkFixture.tables)
                    ).close()
                }
            }
            try await group.waitForAll()
        }
        #expect(try schema.text("SELECT count(*) FROM sluice_tables") == "5")
    }

    // MARK: Access

    @Test("A role that may not create writes into tables that are there, and is told what it lacks where they aren't")
    func permissions() async throws {
        let schema = try schema()
        #expect(await error(schema) == nil)
        let role = "role_\(schema.name)"
        try schema.execute(
            """
            CREATE ROLE \(role) LOGIN; GRANT USAGE ON SCHEMA "\(schema.name)" TO \(role);
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "\(schema.name)" TO \(role)
            """)
        let url = schema.url.replacing("etl@", with: "\(role)@")
        let session = try await schema.sink(url: url).open(Self.context())
        _ = try await session.begin(Self.run, fingerprint: "f")
        for number in 1...2 {
            _ = try await session.prepare(
                SinkFixture.batch(
                    [.found("u", [.init("e\(number)", attributes: ["a": ["1"]])])], commitNumber: number,
                    firstOrdinal: number, runID: Self.run.runID))
            try await session.commit()
        }
        await session.close()
        #expect(try schema.text("SELECT string_agg(endpoint_id, ',') FROM endpoints") == "e2")
        let elsewhere = try self.schema()
        let error = await error(elsewhere, url: url)
        #expect(error?.kind == .permission)
        #expect(error?.message.contains("42501") == true)
        try schema.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
    }

    @Test("What keeps a run from connecting is said by its kind, without the password")
    func connecting() async throws {
        let cluster = try #require(PostgresCluster.shared)
        guard cluster.isPrivate else { return }
        let schema = try schema()
        try schema.execute(
            """
            DROP ROLE IF EXISTS locked; CREATE ROLE locked LOGIN PASSWORD 'right';
            DROP DATABASE IF EXISTS latin; CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0
            """)
        let cases: [(String, PipelineError.Kind, String)] = [
            ("postgresql://locked:hunter22@127.0.0.1:\(cluster.port)/sluice", .permission, "28P01"),
            ("postgresql://locked@127.0.0.1:\(cluster.port)/sluice", .permission, "password"),
            ("postgresql://nobody-here@127.0.0.1:\(cluster.port)/sluice", .permission, "28000"),
            ("postgresql://etl@127.0.0.1:\(cluster.port)/nowhere", .configuration, "3D000"),
            ("postgresql://etl@127.0.0.1:\(cluster.port)/latin", .configuration, "LATIN1"),
            ("postgresql://etl@127.0.0.1:\(cluster.port)/sluice?sslmode=require", .configuration, "SSL"),
            (
                "postgresql://etl@127.0.0.1:\(cluster.port)/sluice?options=-cdefault_transaction_read_only%3Don",
                .configuration, "read only"
            ),
        ]
        for (url, kind, words) in cases {
            let error = await error(schema, url: url)
            #expect(error?.kind == kind, "\(url): \(error.map(String.init(describing:)) ?? "no error")")
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
            #expect(error?.description.contains("hunter22") == false)
        }
        try schema.execute("DROP DATABASE latin")
    }

    @Test(
        "A URL that hides part of a password in another place is refused, and not quoted",
        arguments: [
            "postgresql://u:hun@ter@host/db", "postgresql://u:hun/ter@host/db",
            "postgresql://u:hunter@[::1/db", "hunter", "host=a password='hunter",
        ])
    func malformed(url: String) throws {
        do {
            _ = try PostgresSink.make(Options(["url": .secret(Secret(url))]), PostgresSchema.plugin)
            Issue.record("accepted")
        } catch let error as OptionError {
            #expect(error.path == ["url"])
            #expect(!error.message.contains("hun") && !error.message.contains("ter@"), "\(error.message)")
        }
    }

    @Test("Target and options")
    func options() throws {
        let sink = try PostgresSink.make(
            Options([
                "host": .text("db.example"), "port": .integer(6432), "dbname": .text("crm"), "user": .text("u"),
                "password": .secret(Secret("hunter22")), "schema": .text("pinpoint"),
            ]), PostgresSchema.plugin)
        #expect(sink.target == "db.example:6432/crm pinpoint")
        #expect(sink.typeName == "postgres" && sink.name == "warehouse" && sink.mode == .merge)
        let url = try PostgresSink.make(
            Options(["url": .secret(Secret("postgresql://u:hunter22@a,b:1,2/crm"))]), PostgresSchema.plugin)
        #expect(!url.target.contains("hunter22") && url.target.hasSuffix("/crm public"))
        #expect(throws: OptionError.self) {
            try PostgresSink.make(
                Options(["url": .secret(Secret("postgresql:///")), "host": .text("h")]), PostgresSchema.plugin)
        }
        #expect(PostgresSink.schema.fields.filter(\.shapesOutput).map(\.key) == ["schema", "mode"])
    }

    @Test("Whoever comes second is told who holds the lock; a lock dies with its server process")
    func lock() async throws {
        let schema = try schema()
        let first = try await schema.sink().open(Self.context())
        let error = await error(schema)
        #expect(error?.kind == .temporary)
        let holder = try schema.text(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = \(0x736c_7563)")
        #expect(error?.message.contains("server process \(holder)") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("application 'sluice', role 'etl'") == true)
        await first.close()
        #expect(await self.error(schema) == nil)
    }

    // MARK: Refusals

    @Test(
        "Records that a constraint or trigger refuses are found, the others are written", arguments: WriteMode.allCases)
    func refusals(mode: WriteMode) async throws {
        let schema = try schema()
        let first = try await schema.sink(mode).open(Self.context(mode))
        await first.close()
        // What triggers refuse shows while a replace is filled only where its tables have them too.
        try schema.execute(
            """
            ALTER TABLE endpoints ADD CONSTRAINT no_bad_address CHECK (address <> 'bad');
            ALTER TABLE endpoint_attributes ADD CONSTRAINT short CHECK (length(value) < 5);
            ALTER TABLE users ADD CONSTRAINT no_u13 CHECK (user_id <> 'u13')
            """)
        let session = try await schema.sink(mode).open(Self.context(mode))
        _ = try await session.begin(Self.run, fingerprint: "f")
        func records(_ isBad: Bool) -> [SinkFixture.Record] {
            (0..<50).map { index in
                if index == 13, !isBad { return .absent("u12") }
                return .found(
                    "u\(index)",
                    [
                        .init("e\(index)", address: isBad && index == 7 ? "bad" : "good"),
                        .init("f\(index)", attributes: ["a": [isBad && [20, 21].contains(index) ? "too long" : "ok"]]),
                    ])
            }
        }
        _ = try await session.prepare(
            SinkFixture.batch(records(false), commitNumber: 1, firstOrdinal: 0, runID: Self.run.runID, mode: mode))
        try await session.commit()
        let observed = try await session.observations(
            preparing: SinkFixture.batch(
                records(true), commitNumber: 2, firstOrdinal: 50, runID: Self.run.runID, mode: mode))
        try await session.commit()
        #expect(observed.refused == 4)
        #expect(observed.endpoints == -8)
        #expect(
            observed.rows
                == ["users": -4, "endpoints": -8, "endpoint_attributes": -4, "failures": 4])
        let failures = try schema.text(
            "SELECT string_agg(format('%s %s %s', ordinal, user_id, code), ', ' ORDER BY ordinal) FROM failures")
        #expect(
            failures
                == "57 u7 RefusedBySink, 63 u13 RefusedBySink, 70 u20 RefusedBySink, 71 u21 RefusedBySink")
        _ = try await session.prepareCompletion(state: .complete, finishedAt: SinkFixture.logicalDate)
        try await session.commit()
        await session.close()
        // The refused users' rows are those of the first batch, everybody else's of the second.
        let old = try schema.text(
            "SELECT string_agg(user_id, ',' ORDER BY user_id COLLATE \"C\") FROM users WHERE ordinal < 50")
        #expect(old == "u20,u21,u7")
        #expect(try schema.text("SELECT count(*) FROM endpoints WHERE ordinal >= 50") == "92")
        #expect(try schema.text("SELECT count(*) FROM endpoint_attributes WHERE value = 'ok'") == "49")
    }

    @Test("A key that is too big for an index, and an exception of a trigger, refuse their records alone")
    func oddRefusals() async throws {
        let schema = try schema()
        let first = try await schema.sink().open(Self.context())
        await first.close()
        try schema.execute(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN IF new.address = 'bad' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN new; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON endpoints FOR EACH ROW EXECUTE FUNCTION refuse()
            """)
        let session = try await schema.sink().open(Self.context())
        _ = try await session.begin(Self.run, fingerprint: "f")
        // Random, because an index compresses what it holds.
        let big = (0..<8000).map { _ in String(UnicodeScalar(UInt8.random(in: 33...126))) }.joined()
        let observed = try await session.observations(
            preparing: SinkFixture.batch(
                [
                    .found("a", [.init("e1")]), .found("b", [.init(big)]), .found("c", [.init("e2", address: "bad")]),
                    .found("d", [.init("e3")]), .failed("x"),
                ], commitNumber: 1, firstOrdinal: 0, runID: Self.run.runID))
        try await session.commit()
        await session.close()
        #expect(observed.refused == 2)
        #expect(try schema.text("SELECT string_agg(user_id, ',' ORDER BY 1) FROM users") == "a,d")
        #expect(
            try schema.text("SELECT string_agg(ordinal || ' ' || code, ',' ORDER BY ordinal) FROM failures")
                == "1 RefusedBySink,2 RefusedBySink,4 Throttled")
    }

    // MARK: Publishing

    @Test("Readers of a replace see one run or the other; grants, views and the user's columns survive")
    func publishing() async throws {
        let schema = try schema()
        func run(_ number: Int, users: Int) async throws {
            var record = Self.run
            record.runID = "conformance-2026112\(number)T000000Z"
            let session = try await schema.sink(.replace).open(Self.context(.replace))
            _ = try await session.begin(record, fingerprint: "f")
            _ = try await session.prepare(
                SinkFixture.batch(
                    (0..<users).map { .found("u\($0)", [.init("e\($0)")]) }, commitNumber: 1, firstOrdinal: 0,
                    runID: record.runID))
            try await session.commit()
            let observed = try await session.observations(
                preparingEnd: .complete, finishedAt: SinkFixture.logicalDate)
            #expect(try schema.text("SELECT count(*) FROM endpoints") == (number == 1 ? "0" : "7"))
            try await session.commit()
            await session.close()
            #expect(observed.previousEndpoints == (number == 1 ? 0 : 7) && observed.removed == (number == 1 ? 0 : 4))
        }
        try await run(1, users: 7)
        try schema.execute(
            """
            CREATE VIEW mine AS SELECT user_id FROM users; GRANT SELECT ON users TO PUBLIC;
            ALTER TABLE users ADD COLUMN note text DEFAULT 'n'
            """)
        try await run(2, users: 3)
        #expect(try schema.text("SELECT count(*) FROM mine") == "3")
        #expect(try schema.text("SELECT string_agg(DISTINCT note, ',') FROM users") == "n")
        #expect(
            try schema.text("SELECT relacl::text LIKE '%=r/etl%' FROM pg_class WHERE oid = 'users'::regclass") == "t")
        #expect(
            try schema.text(
                "SELECT count(*) FROM pg_tables WHERE schemaname = '\(schema.name)' AND tablename LIKE 'sluice_next%'")
                == "0")
    }
}
