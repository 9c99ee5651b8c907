import Foundation
import PipelineCore
import PipelineTesting
import SQLitePlugins
import Testing

@Suite("The SQLite sink", .timeLimit(.minutes(5)))
struct SQLiteSinkTests {
    private static let context = SinkContext(pipeline: "nightly", tables: SinkFixture.tables)
    private static let runID = "nightly-20261123T000000Z"
    private static let run = RunRecord(
        runID: runID, state: .running, logicalDate: SinkFixture.logicalDate, startedAt: "2026-11-23T01:02:03.004Z",
        version: "1.2.3")

    private static func batch(_ number: Int, _ records: [SinkFixture.Record]) -> Batch {
        SinkFixture.batch(records, commitNumber: number, firstOrdinal: (number - 1) * 10, runID: runID)
    }

    private static func write(_ file: SQLiteFile, complete: Bool) async throws {
        let session = try await file.sink().open(context)
        _ = try await session.begin(run, fingerprint: "f")
        _ = try await session.prepare(batch(1, [.found("u", [.init("e1"), .init("e2")]), .failed("v")]))
        try await session.commit()
        if complete {
            _ = try await session.prepareCompletion(state: .complete, finishedAt: SinkFixture.logicalDate)
            try await session.commit()
        }
        await session.close()
    }

    private func error(opening file: SQLiteFile, _ context: SinkContext = context) async -> PipelineError? {
        do {
            let session = try await file.sink().open(context)
            await session.close()
            return nil
        } catch {
            return error as? PipelineError
        }
    }

    @Test("A complete run leaves one plain file, in a folder that was made for it")
    func oneFile() async throws {
        let file = try SQLiteFile()
        let deep = SQLiteFile(path: "\(file.folder)/a/b/out.sqlite")
        try await Self.write(deep, complete: true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(file.folder)/a/b") == ["out.sqlite"])
        #expect(try deep.text("PRAGMA journal_mode") == "delete")
        #expect(try deep.text("PRAGMA integrity_check") == "ok")
        #expect(try deep.query("SELECT count(*) FROM endpoints").first?.first?.integer == 2)
    }

    @Test("An unfinished run can be read from outside, and keeps its log")
    func unfinished() async throws {
        let file = try SQLiteFile()
        try await Self.write(file, complete: false)
        #expect(try file.text("PRAGMA journal_mode") == "wal")
        #expect(try file.text("SELECT state FROM sluice_runs") == "running")
        #expect(!file.files.contains { $0.hasSuffix(".lock") })
    }

    @Test("The tables of runs and checkpoints have their columns, and their values are plain")
    func ledger() async throws {
        let file = try SQLiteFile()
        try await Self.write(file, complete: true)
        func columns(_ table: String) throws -> String? {
            try file.text("SELECT group_concat(name, ' ') FROM pragma_table_info('\(table)')")
        }
        #expect(
            try columns("sluice_runs")
                == "pipeline shard run_id state logical_date started_at finished_at counts version listing_hash "
                + "timeline")
        #expect(
            try columns("sluice_checkpoints")
                == "pipeline shard run_id commit_number next_ordinal consumed input_ended position parked counts input_hash "
                + "source_state fingerprint updated_at")
        #expect(try columns("sluice_tables") == "table_name pipeline mode")
        #expect(try file.query("SELECT commit_number FROM sluice_checkpoints").first?.first?.integer == 1)
        #expect(try file.query("SELECT counts ->> '$.endpoints' FROM sluice_runs").first?.first?.integer == 2)
        #expect(try file.query("SELECT counts ->> '$.rows.failures' FROM sluice_runs").first?.first?.integer == 1)
        #expect(
            try file.text("SELECT group_concat(DISTINCT pipeline || ' ' || mode) FROM sluice_tables") == "nightly merge"
        )
    }

    @Test("SQLite looks a user's endpoints up by the index on users")
    func plan() async throws {
        let file = try SQLiteFile()
        try await Self.write(file, complete: true)
        let plan = try file.query(
            "EXPLAIN QUERY PLAN SELECT endpoint_id, run_id FROM endpoints WHERE application_id = 'a' AND user_id = 'u'")
        #expect(
            plan.first?.last?.text?.contains("endpoints_user_id_application_id (user_id=? AND application_id=?)")
                == true)
    }

    @Test("Whoever comes second is told who holds the lock; of two in one process waiting mends nothing")
    func lock() async throws {
        let file = try SQLiteFile()
        let session = try await file.sink().open(Self.context)
        let error = await error(opening: file)
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("process \(ProcessInfo.processInfo.processIdentifier) on ") == true)
        await session.close()
        #expect(await self.error(opening: file) == nil)
    }

    @Test("A lock file that a killed process left behind doesn't matter, nor does a link to the database")
    func staleLock() async throws {
        let file = try SQLiteFile()
        _ = FileManager.default.createFile(atPath: "\(file.path).nightly.0.lock", contents: Data("process 1".utf8))
        try await Self.write(file, complete: false)
        let link = SQLiteFile(path: "\(file.folder)/link.sqlite")
        try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: file.path)
        let session = try await file.sink().open(Self.context)
        #expect(await error(opening: link)?.kind == .configuration)
        // Another name of the file has another lock file, and the file is marked.
        let other = SQLiteFile(path: "\(file.folder)/other.sqlite")
        try FileManager.default.linkItem(atPath: file.path, toPath: other.path)
        #expect(await error(opening: other)?.kind == .configuration)
        await session.close()
        #expect(!file.files.contains { $0.hasSuffix(".lock") })
    }

    @Test("Another writer is waited for, and then named")
    func busy() async throws {
        let file = try SQLiteFile()
        let first = try await file.sink().open(Self.context)
        _ = try await first.begin(Self.run, fingerprint: "f")
        let other = try await file.sink(busyTimeout: .milliseconds(50)).open(
            SinkContext(pipeline: "other", tables: SinkFixture.tables))
        _ = try await first.prepare(Self.batch(1, [.found("u", [.init("e")])]))
        let error = await #expect(throws: PipelineError.self) { try await other.begin(Self.run, fingerprint: "f") }
        #expect(error?.kind == .temporary)
        try await first.commit()
        _ = try await other.begin(Self.run, fingerprint: "f")
        await other.close()
        await first.close()
    }

    @Test("What can't be a database is refused with a reason")
    func refusals() async throws {
        let file = try SQLiteFile()
        let folder = await error(opening: SQLiteFile(path: file.folder))
        #expect(folder?.kind == .cantCreate)
        try Data(repeating: 65, count: 4096).write(to: URL(fileURLWithPath: file.path))
        let text = await error(opening: file)
        #expect(text?.kind == .cantCreate)
        #expect(text?.message.contains("isn't an SQLite database") == true)
        let below = await error(opening: SQLiteFile(path: "\(file.path)/out.sqlite"))
        #expect(below?.kind == .cantCreate)
        let forbidden = await error(opening: SQLiteFile(path: "/proc/out.sqlite"))
        #expect(forbidden?.kind == .cantCreate)
        #expect(file.files == ["out.sqlite"])
    }

    @Test(
        "Tables that differ are refused, and every difference is named",
        arguments: [
            ("CREATE TABLE users (a TEXT)", "column 'user_id' is missing"),
            ("CREATE TABLE users (a TEXT NOT NULL)", "column 'a' isn't one of"),
            (
                "CREATE TABLE failures (run_id TEXT, shard INTEGER, ordinal INTEGER, user_id TEXT, code TEXT)",
                "its key is ()"
            ),
            (
                "CREATE TABLE failures (run_id TEXT, shard TEXT, ordinal INTEGER, user_id TEXT, code TEXT)",
                "column 'shard' is TEXT, not INTEGER"
            ),
            ("CREATE VIEW endpoints AS SELECT 1", "'endpoints' is a view"),
        ])
    func differences(_ sql: String, _ words: String) async throws {
        let file = try SQLiteFile()
        try file.execute(sql)
        let error = await error(opening: file)
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "no error")")
    }

    @Test("The view gives each user the attributes of the latest endpoint")
    func view() async throws {
        let file = try SQLiteFile()
        let parts = TableDefinition(
            name: "endpoint_user_attributes", role: .endpointParts,
            columns: [
                Column("application_id", .text), Column("endpoint_id", .text), Column("user_id", .text),
                Column("name", .text), Column("position", .integer), Column("value", .text),
            ],
            key: ["application_id", "endpoint_id", "name", "position"])
        let session = try await file.sink().open(SinkContext(pipeline: "p", tables: SinkFixture.tables + [parts]))
        await session.close()
        try file.execute(
            """
            INSERT INTO endpoints (application_id, endpoint_id, user_id, effective_date) VALUES
                ('a', 'e1', 'u', '2026-01-01T00:00:00.000Z'), ('a', 'e2', 'u', '2026-02-01T00:00:00.000Z'),
                ('a', 'e3', 'u', NULL), ('a', 'e5', 'v', NULL), ('a', 'e4', 'v', NULL), ('a', 'e6', 'w', NULL);
            INSERT INTO endpoint_user_attributes
                SELECT application_id, endpoint_id, user_id, 'from', 0, endpoint_id FROM endpoints WHERE user_id <> 'w';
            """)
        let rows = try file.query("SELECT user_id, value FROM user_attributes ORDER BY 1, 2").map { $0.map(\.text) }
        #expect(rows == [["u", "e2"], ["v", "e4"]])
        let plan = try file.query("EXPLAIN QUERY PLAN SELECT * FROM user_attributes WHERE user_id = 'u'").compactMap {
            $0.last?.text
        }
        #expect(plan.first?.contains("e USING INDEX endpoints_user_id_application_id (user_id=?)") == true, "\(plan)")
        #expect(!plan.contains { $0.hasPrefix("SCAN") }, "\(plan)")
    }

    @Test("A full disk loses nothing: after it, the run goes on behind its last commit")
    func fullDisk() async throws {
        let file = try SQLiteFile()
        let mount = "\(file.folder)/disk"
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
        do {
            _ = try SQLiteFile.run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", mount)
        } catch {
            print("SKIPPED: a small tmpfs needs root")
            return
        }
        defer { _ = try? SQLiteFile.run("umount", "-l", mount) }
        let full = SQLiteFile(path: "\(mount)/out.sqlite")
        var session = try await full.sink().open(Self.context)
        _ = try await session.begin(Self.run, fingerprint: "f")
        let text = String(repeating: "x", count: 40_000)
        var committed = 0
        var failure: PipelineError?
        while failure == nil, committed < 200 {
            let records = (0..<3).map {
                SinkFixture.Record.found("u\(committed)-\($0)", [.init("e\(committed)-\($0)", address: text)])
            }
            do {
                _ = try await session.prepare(Self.batch(committed + 1, records))
                try await session.commit()
                committed += 1
            } catch { failure = error as? PipelineError }
        }
        #expect(committed > 0)
        #expect(failure?.kind == .ioError)
        #expect(failure?.message.contains("disk is full") == true, "\(failure?.message ?? "")")
        await session.close()
        _ = try SQLiteFile.run("mount", "-o", "remount,size=20m", mount)
        session = try await full.sink().open(Self.context)
        #expect(try await session.state().checkpoint?.commitNumber == committed)
        _ = try await session.prepare(Self.batch(committed + 1, [.found("u0-0", [])]))
        try await session.commit()
        await session.close()
        #expect(try full.query("SELECT count(*) FROM endpoints").first?.first?.integer == Int64(committed * 3 - 1))
        #expect(try full.text("PRAGMA integrity_check") == "ok")
    }

    @Test("Calls out of order are faults of the program")
    func misuse() async throws {
        let file = try SQLiteFile()
        let session = try await file.sink().open(Self.context)
        func expectSoftware<R>(_ body: () async throws -> R) async {
            let error = await #expect(throws: PipelineError.self) { _ = try await body() }
            #expect(error?.kind == .software)
        }
        await expectSoftware { try await session.commit() }
        await expectSoftware { try await session.prepare(Self.batch(1, [])) }
        await expectSoftware { try await session.prepareCompletion(state: .complete, finishedAt: "") }
        _ = try await session.begin(Self.run, fingerprint: "f")
        _ = try await session.prepare(Self.batch(1, []))
        await expectSoftware { try await session.prepare(Self.batch(1, [])) }
        await session.abandon()
        var odd = Self.batch(1, [])
        odd.tables.removeLast()
        await expectSoftware { try await session.prepare(odd) }
        await session.close()
        await expectSoftware { try await session.state() }
    }

    @Test("The plugin makes the sink that its options describe")
    func plugin() throws {
        let context = PluginContext(
            pipeline: "p", name: "out", stateDirectory: "/nowhere", environment: [:], version: "1", warn: { _ in })
        let path = PathOption(written: "out.sqlite", resolved: "/data/out.sqlite")
        let sink = try SQLiteSink.make(Options(["path": .path(path), "mode": .text("merge")]), context)
        #expect(
            sink.typeName == "sqlite" && sink.name == "out" && sink.target == "/data/out.sqlite" && sink.mode == .merge)
        #expect(SQLiteSink.schema.fields.filter(\.shapesOutput).map(\.key) == ["mode"])
        #expect(throws: OptionError.self) { try SQLiteSink.make(Options([:]), context) }
    }
}
