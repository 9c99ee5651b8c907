import Foundation
import PipelineCore
import PipelineTesting
import SQLitePlugins
import Testing

@Suite("The SQLite sink in mode replace", .timeLimit(.minutes(5)))
struct SQLiteReplaceTests {
    private static func user(_ name: String, _ ids: String...) -> SinkFixture.Record {
        .found(name, ids.map { SinkFixture.Endpoint($0, address: "\($0)@example.com", attributes: ["a": ["1", "2"]]) })
    }

    @Test("After any number of runs the schema is that of a fresh database")
    func schema() async throws {
        let fresh = SQLiteTrial(file: try SQLiteFile(), mode: .replace)
        try await fresh.open().close()
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .replace)
        for number in 1...3 { try await trial.write(number, [Self.user("u\(number)", "e1", "e2")]) }
        #expect(try trial.schema() == fresh.schema())
        #expect(
            try trial.schema().contains { $0.hasPrefix("CREATE TABLE \"endpoints\" (\"application_id\" TEXT NOT NULL") }
        )
        #expect(try trial.users() == ["u3"])
        #expect(try trial.file.text("PRAGMA integrity_check") == "ok")
        #expect(trial.file.files == ["out.sqlite"])
    }

    @Test("Shadow tables are there while a run is, and go when it is published or given up")
    func shadows() async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .replace)
        func shadows() throws -> [String] {
            try trial.file.query(
                "SELECT name FROM sqlite_schema WHERE name LIKE '%sluice_next%' AND type = 'table' ORDER BY 1"
            )
            .compactMap { $0[0].text }
        }
        let session = try await trial.open()
        #expect(try shadows() == [])
        try await trial.begin(1, session)
        try await trial.commit(1, [Self.user("u", "e1"), .failed("v")], run: 1, session)
        #expect(
            try shadows() == [
                "sluice_next_endpoint_attributes", "sluice_next_endpoint_metrics", "sluice_next_endpoints",
                "sluice_next_users",
            ])
        #expect(try trial.users() == [])
        try await session.abandonRun(SQLiteTrial.runID(1))
        #expect(try shadows() == [])
        try await trial.begin(2, session)
        try await trial.commit(1, [Self.user("w", "e1")], run: 2, session)
        try await trial.complete(session)
        #expect(try shadows() == [])
        #expect(try trial.users() == ["w"])
        #expect(try trial.file.query("SELECT 1 FROM failures").isEmpty)
        await session.close()
    }

    @Test("What the user has made around the tables survives a publication, word by word")
    func usersObjects() async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .replace)
        try await trial.write(1, [Self.user("u", "e1", "e2")])
        try trial.file.execute(
            """
            ALTER TABLE endpoints ADD COLUMN "note (mine)" TEXT DEFAULT 'none';
            CREATE VIEW addresses AS SELECT address, "note (mine)" AS note FROM endpoints JOIN users USING (user_id);
            CREATE VIEW counted AS SELECT count(*) AS n FROM addresses;
            CREATE INDEX by_address ON endpoints (address COLLATE NOCASE) WHERE address IS NOT NULL;
            CREATE UNIQUE INDEX "one run" ON "users" (user_id, run_id);
            CREATE TABLE seen (address TEXT);
            CREATE TRIGGER watch AFTER INSERT ON endpoints BEGIN INSERT INTO seen VALUES (new.address); END;
            CREATE TRIGGER elsewhere AFTER DELETE ON seen BEGIN DELETE FROM endpoints WHERE address = old.address; END;
            CREATE TRIGGER through INSTEAD OF DELETE ON addresses BEGIN DELETE FROM endpoints; END;
            """)
        let before = try trial.schema()
        for number in 2...3 { try await trial.write(number, [Self.user("v", "e7", "e8", "e9")]) }
        #expect(try trial.schema() == before)
        #expect(try trial.file.query("SELECT n FROM counted").first?.first?.integer == 3)
        #expect(try trial.file.text("SELECT group_concat(DISTINCT note) FROM addresses") == "none")
        #expect(
            try trial.file.query("EXPLAIN QUERY PLAN SELECT * FROM endpoints WHERE address = 'x' COLLATE NOCASE").first?
                .last?.text?.contains("by_address") == true)
        // The trigger watches the table that is there now.
        try trial.file.execute("INSERT INTO endpoints (application_id, endpoint_id, address) VALUES ('a', 'b', 'new')")
        #expect(try trial.file.text("SELECT address FROM seen") == "new")
        #expect(try trial.file.text("PRAGMA integrity_check") == "ok")
    }

    @Test("A unique index of the user that the new content breaks stops the publication, not the run")
    func brokenIndex() async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .replace)
        try await trial.write(1, [Self.user("u", "e1")])
        try trial.file.execute("CREATE UNIQUE INDEX one_each ON endpoints (user_id)")
        let session = try await trial.open()
        try await trial.begin(2, session)
        try await trial.commit(1, [Self.user("v", "e1", "e2")], run: 2, session)
        let error = await #expect(throws: PipelineError.self) { try await trial.complete(session) }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("index 'one_each' on 'endpoints'") == true)
        #expect(try trial.users() == ["u"])
        await session.close()
        try trial.file.execute("DROP INDEX one_each")
        let later = try await trial.open()
        #expect(try await trial.complete(later).removed == 0)
        await later.close()
        #expect(try trial.users() == ["v"])
    }

    @Test(
        "A table made by the user's own statement is replaced by one of the same words",
        arguments: [
            "CREATE TABLE users(", "CREATE TABLE 'users' (", "create table IF NOT EXISTS [users] (",
            "CREATE TABLE `users`(",
            "CREATE TABLE main.users /* mine */ (", "CREATE TABLE users--mine\n(",
        ])
    func usersTable(_ opening: String) async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .replace)
        try trial.file.execute(
            """
            \(opening)application_id TEXT NOT NULL, user_id TEXT NOT NULL, status TEXT CHECK (status <> 'odd'),
            endpoint_count INTEGER, ordinal INTEGER, run_id TEXT, logical_date TEXT, PRIMARY KEY (application_id, user_id))
            """)
        for number in 1...2 { try await trial.write(number, [Self.user("u\(number)", "e1")]) }
        #expect(try trial.users() == ["u2"])
        let sql = try trial.file.text("SELECT sql FROM sqlite_schema WHERE name = 'users'")
        #expect(sql?.contains("CHECK (status <> 'odd')") == true)
        #expect(try trial.file.query("SELECT 1 FROM sqlite_schema WHERE name LIKE 'sluice_next%'").isEmpty)
    }

    @Test("What the user does to a table while a run fills its successor survives too")
    func changedMeanwhile() async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .replace)
        try await trial.write(1, [Self.user("u", "e1", "e2")])
        let session = try await trial.open()
        try await trial.begin(2, session)
        try await trial.commit(1, [Self.user("v", "e3", "e4")], run: 2, session)
        try trial.file.execute(
            """
            ALTER TABLE endpoints ADD COLUMN domain TEXT AS (substr(address, 4)) VIRTUAL;
            ALTER TABLE users ADD COLUMN seen INTEGER NOT NULL DEFAULT 7;
            ALTER TABLE users ADD COLUMN note TEXT CHECK (note <> 'odd');
            CREATE INDEX by_domain ON endpoints (domain);
            CREATE VIEW domains AS SELECT domain, seen FROM endpoints JOIN users USING (user_id);
            """)
        let before = try trial.schema().filter { !$0.contains("sluice_next") }
        try await trial.commit(2, [Self.user("w", "e5")], run: 2, session)
        try await trial.complete(session)
        await session.close()
        #expect(try trial.schema() == before)
        #expect(try trial.users() == ["v", "w"])
        #expect(
            try trial.file.query("SELECT domain, seen FROM domains").map { [$0[0].text, $0[1].integer?.description] }
                == [["example.com", "7"], ["example.com", "7"], ["example.com", "7"]])
        #expect(try trial.file.text("PRAGMA integrity_check") == "ok")
        try await trial.write(3, [Self.user("x", "e6")])
        #expect(try trial.schema() == before)
    }

    @Test("A reader that polls sees each publication as a whole, and nothing else")
    func polling() async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .replace)
        try await trial.open().close()
        try trial.file.execute("CREATE VIEW mine AS SELECT user_id, count(*) AS n FROM endpoints GROUP BY user_id")
        let reader = try PollingReader(trial.file)
        var expected = ["None 0 None 0 0 0"]
        for number in 1...6 {
            let session = try await trial.open()
            try await trial.begin(number, session)
            let users = 300 + number
            for batch in 1...3 {
                let records = (0..<users).map { Self.user("u\(batch)-\($0)", "e\(batch)-\($0)-a", "e\(batch)-\($0)-b") }
                try await trial.commit(batch, records, run: number, session)
            }
            // Published at once, by a later session, or at the second try.
            switch number % 3 {
            case 0: try await trial.complete(session, .unpublished)
            case 1:
                _ = try await session.prepareCompletion(state: .complete, finishedAt: SinkFixture.logicalDate)
                try await Task.sleep(for: .milliseconds(30))
                await session.abandon()
            default: break
            }
            let publisher: any SinkSession
            if number % 3 == 0 {
                await session.close()
                publisher = try await trial.open()
            } else {
                publisher = session
            }
            let observed = try await trial.complete(publisher)
            #expect(observed.previousEndpoints == (number == 1 ? 0 : (users - 1) * 6))
            #expect(observed.removed == 0)
            let run = SQLiteTrial.runID(number)
            expected.append("\(run) \(users * 3) \(run) \(users * 6) \(users * 12) \(users * 3)")
            try await reader.waitForMore()
            await publisher.close()
            try await reader.waitForMore()
        }
        let seen = try reader.finish()
        #expect(seen.states == expected)
        #expect(seen.lastingErrors == [])
        print("\(seen.reads) reads, \(seen.retries) retried")
    }

    @Test(
        "A crash at any step of the publication leaves what waits, and the next session publishes it",
        arguments: [false, true])
    func crash(whileUnpublished: Bool) async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .replace)
        try await trial.write(1, [Self.user("old", "e1", "e2")])
        let session = try await trial.open()
        try await trial.begin(2, session)
        // More than the page cache holds, so that pages of the swap are in the log before it is committed.
        let text = String(repeating: "x", count: 30_000)
        for batch in 1...3 {
            let records = (0..<400).map {
                SinkFixture.Record.found("u\(batch)-\($0)", [.init("e\(batch)-\($0)", address: text)])
            }
            try await trial.commit(batch, records, run: 2, session)
        }
        if whileUnpublished { try await trial.complete(session, .unpublished) }
        var images = [try CrashImage(of: trial.file)]
        _ = try await session.prepareCompletion(state: .complete, finishedAt: SinkFixture.logicalDate)
        images.append(try CrashImage(of: trial.file))
        try await session.commit()
        images.append(try CrashImage(of: trial.file))
        await session.close()
        images.append(try CrashImage(of: trial.file))
        for (number, image) in images.enumerated() {
            let isPublished = number >= 2
            let after = SQLiteTrial(file: image.file, mode: .replace)
            #expect(try after.users().count == (isPublished ? 1200 : 1), "image \(number)")
            let later = try await after.open()
            let state = try await later.state()
            #expect(state.lastRun?.state == (isPublished ? .complete : whileUnpublished ? .unpublished : .running))
            if !isPublished {
                let observed = try await after.complete(later)
                #expect(observed.previousEndpoints == 2 && observed.removed == 2)
            }
            #expect(try await later.state().checkpoint?.counts.removed == 2)
            #expect(try await later.state().lastRun?.counts.removed == 2)
            await later.close()
            #expect(try after.users().count == 1200)
            #expect(try after.schema() == trial.schema())
            #expect(try after.file.text("PRAGMA integrity_check") == "ok")
        }
    }

    @Test("Shadow tables that are gone are named, and a new run makes them again")
    func goneShadows() async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .replace)
        let session = try await trial.open()
        try await trial.begin(1, session)
        try await trial.commit(1, [Self.user("s", "f")], run: 1, session)
        await session.close()
        try trial.file.execute("DROP TABLE sluice_next_users")
        let later = try await trial.open()
        for isCompletion in [false, true] {
            let error = await #expect(throws: PipelineError.self) {
                if isCompletion {
                    try await trial.complete(later)
                } else {
                    try await trial.commit(2, [Self.user("u", "e")], run: 1, later)
                }
            }
            #expect(error?.kind == .configuration)
            #expect(error?.hint?.contains("--fresh") == true)
        }
        try await later.abandonRun(SQLiteTrial.runID(1))
        try await trial.begin(2, later)
        try await trial.commit(1, [Self.user("u", "e")], run: 2, later)
        try await trial.complete(later)
        await later.close()
        #expect(try trial.users() == ["u"])
    }

    @Test("Shadow tables that are gone before the first commit are made again")
    func goneBeforeTheFirstCommit() async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .replace)
        let session = try await trial.open()
        try await trial.begin(1, session)
        await session.close()
        try trial.file.execute("DROP TABLE sluice_next_users")
        let later = try await trial.open()
        try await trial.commit(1, [Self.user("u", "e")], run: 1, later)
        try await trial.complete(later)
        await later.close()
        #expect(try trial.users() == ["u"])
    }
}
