import Foundation
import PipelineCore
import PipelineTesting
import SQLitePlugins
import Testing

/// What is kept aside of a query's answer, and databases that can't be asked.
@Suite("SQLite user reader, its files", .timeLimit(.minutes(5)))
struct SQLiteUserReaderSpoolTests {
    private func trial(_ ids: [String] = ["a", "b", "c"]) throws -> QueryTrial {
        let place = try QueryTrial()
        try place.fill("t.sqlite", "id", ids.map { .text(Array($0.utf8)) })
        return place
    }

    @Test("A later process reads what the run began with; another run asks again, and the earlier answer goes")
    func kept() async throws {
        let place = try trial()
        let query = "SELECT id FROM t"
        _ = try await place.records(place.reader(query))
        let first = place.spools()
        #expect(first.count == 1)
        try SQLiteFile(path: place.path("t.sqlite")).execute("INSERT INTO t VALUES ('0')")
        #expect(QueryTrial.bytes(try await place.records(place.reader(query))) == [[97], [98], [99]])
        // Nothing is asked any more, so the database may even be away.
        #expect(QueryTrial.bytes(try await place.records(place.reader(query, file: "missing"))) == [[97], [98], [99]])
        let later = QueryTrial.run(2)
        #expect(QueryTrial.bytes(try await place.records(place.reader(query), run: later)) == [[48], [97], [98], [99]])
        #expect(place.spools().count == 1 && place.spools() != first)
        var again = later
        again.startedAt = "2026-11-25T01:02:03.004Z"
        try SQLiteFile(path: place.path("t.sqlite")).execute("DELETE FROM t WHERE id = 'b'")
        #expect(QueryTrial.bytes(try await place.records(place.reader(query), run: again)) == [[48], [97], [99]])
        #expect(place.spools().count == 1)
        let other = InputRun(pipeline: "weekly", runID: again.runID, startedAt: again.startedAt)
        _ = try await place.records(place.reader(query), run: other)
        #expect(place.spools().count == 2)
        await place.reader(query).release(again)
        await place.reader(query).release(again)
        #expect(place.spools().count == 1)
    }

    @Test("What is kept aside is for its owner's eyes alone")
    func permissions() async throws {
        let place = try trial()
        let reader = place.reader("SELECT id FROM t")
        #expect(reader.inputSize == nil)
        let records = try await place.records(reader)
        #expect(reader.inputSize == records.last?.next.offset)
        #expect(reader.sourceFile == nil)
        func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        #expect(try mode(place.state) == 0o700)
        #expect(try mode("\(place.state)/\(try #require(place.spools().first))") == 0o600)
    }

    @Test("A spool that is lost is made again, and reading goes on within it")
    func lost() async throws {
        let place = try trial()
        let records = try await place.records(place.reader("SELECT id FROM t"))
        let spool = "\(place.state)/\(try #require(place.spools().first))"
        let before = try Data(contentsOf: URL(fileURLWithPath: spool))
        try FileManager.default.removeItem(atPath: spool)
        // What a process leaves that dies while it fetches.
        try before.prefix(21).write(to: URL(fileURLWithPath: spool + ".new"))
        let reader = place.reader("SELECT id FROM t")
        try await reader.prepare(for: QueryTrial.run())
        #expect(try Data(contentsOf: URL(fileURLWithPath: spool)) == before)
        #expect(place.spools().count == 1)
        let cursor = try await reader.open(at: records[0].next)
        #expect(QueryTrial.bytes(try await cursor.next(limit: 10)) == [[98], [99]])
        await cursor.close()
        try FileManager.default.removeItem(atPath: spool)
        await #expect(throws: PipelineError.self) { try await reader.open(at: .start) }
    }

    @Test("A spool that is cut off at any byte, or holds something else, is noticed")
    func damaged() async throws {
        let place = try trial()
        _ = try await place.records(place.reader("SELECT id FROM t"))
        let spool = URL(fileURLWithPath: "\(place.state)/\(try #require(place.spools().first))")
        let whole = try Data(contentsOf: spool)
        var damages = (0..<whole.count).map { whole.prefix($0) } + [whole + Data([0]), Data("a\nb\n".utf8)]
        // A length in the middle that leads elsewhere; a record too many.
        damages.append(whole.prefix(16) + Data([2, 0, 0, 0]) + whole.dropFirst(20))
        damages.append(whole.prefix(16) + Data([0, 0, 1, 1]) + whole.dropFirst(20))
        damages.append(whole.prefix(16) + Data([0, 0, 0, 0]) + whole.dropFirst(16))
        for (index, damage) in damages.enumerated() {
            try damage.write(to: spool)
            let error = try #require(await place.refusal(place.reader("SELECT id FROM t")), "damage \(index)")
            #expect(error.kind == .configuration, "damage \(index): \(error)")
            #expect(error.message.contains(spool.path), "damage \(index): \(error)")
        }
        try whole.write(to: spool)
        #expect(await place.refusal(place.reader("SELECT id FROM t")) == nil)
    }

    @Test("A position behind the end, and reading that wasn't prepared, are refused")
    func misused() async throws {
        let place = try trial()
        let reader = place.reader("SELECT id FROM t")
        await #expect { try await reader.open(at: .start) } throws: { ($0 as? PipelineError)?.kind == .software }
        try await reader.prepare(for: QueryTrial.run())
        for position in [Position(offset: 1_000_000, line: 2), Position(offset: 3), Position(offset: 20, line: 90)] {
            await #expect { try await reader.open(at: position) } throws: {
                ($0 as? PipelineError)?.kind == .configuration
            }
        }
    }

    @Test("Databases that can't be asked: missing, a folder, a pipe, something else, damaged; nothing is made")
    func unreadable() async throws {
        let place = try trial((0..<20_000).map { "user-\($0)" })
        try Data("this is no database, but a text that is long enough to have a header of its own ………………………".utf8)
            .write(to: URL(fileURLWithPath: place.path("text.sqlite")))
        try FileManager.default.createDirectory(atPath: place.path("folder"), withIntermediateDirectories: true)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: place.path("t.sqlite")))
        for index in 8192..<bytes.count { bytes[index] = UInt8(truncatingIfNeeded: index &* 31) }
        try bytes.write(to: URL(fileURLWithPath: place.path("damaged.sqlite")))
        #expect(mkfifo(place.path("pipe"), 0o600) == 0)
        let before = try FileManager.default.contentsOfDirectory(atPath: place.folder).sorted()
        for (name, words) in [
            ("pipe", "is no regular file"), ("missing.sqlite", "No such file"), ("no/missing.sqlite", "No such file"),
            ("folder", "is a folder"),
            ("text.sqlite", "isn't an SQLite database"), ("damaged.sqlite", "is damaged"),
        ] {
            let error = try #require(await place.refusal(place.reader("SELECT id FROM t", file: name)))
            #expect(error.kind == .noInput && error.message.contains(words) && error.message.contains(name), "\(error)")
        }
        let after = try FileManager.default.contentsOfDirectory(atPath: place.folder).filter { $0 != "state" }.sorted()
        #expect(after == before)
        #expect(place.spools() == [])
    }

    @Test("A database in which a process died while it wrote is not read half")
    func unfinished() async throws {
        let place = try trial()
        let script = """
            import shutil, sqlite3, sys
            path, copy = sys.argv[1:]
            connection = sqlite3.connect(path, isolation_level=None)
            connection.execute("PRAGMA cache_size = 1")
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO t VALUES (?)", [("x" * 4000,) for _ in range(500)])
            for suffix in ("", "-journal"): shutil.copy(path + suffix, copy + suffix)
            """
        _ = try SQLiteFile.run("python3", "-c", script, place.path("t.sqlite"), place.path("died.sqlite"))
        let error = try #require(await place.refusal(place.reader("SELECT id FROM t", file: "died.sqlite")))
        #expect(error.kind == .noInput && error.message.contains("before it is repaired"), "\(error)")
        #expect(try SQLiteFile(path: place.path("died.sqlite")).query("SELECT count(*) FROM t")[0][0].integer == 3)
        #expect(
            QueryTrial.bytes(try await place.records(place.reader("SELECT id FROM t", file: "died.sqlite"))) == [
                [97], [98], [99],
            ])
    }

    @Test("A database that stays locked is waited for, and then left")
    func locked() async throws {
        let place = try trial()
        let holder = Process()
        holder.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let script = """
            import sqlite3, sys
            connection = sqlite3.connect(sys.argv[1], isolation_level=None)
            connection.execute("BEGIN EXCLUSIVE")
            print("held", flush=True)
            sys.stdin.read()
            """
        holder.arguments = ["python3", "-c", script, place.path("t.sqlite")]
        let (input, output) = (Pipe(), Pipe())
        holder.standardInput = input
        holder.standardOutput = output
        try holder.run()
        #expect(!output.fileHandleForReading.availableData.isEmpty)
        let clock = ContinuousClock()
        var error: PipelineError?
        let waited = await clock.measure {
            error = await place.refusal(place.reader("SELECT id FROM t", busyTimeout: .milliseconds(300)))
        }
        #expect(error?.kind == .temporary)
        #expect(waited >= .milliseconds(300))
        #expect(error?.hint?.contains("busy_timeout") == true)
        let patient = place.reader("SELECT id FROM t", busyTimeout: .seconds(60))
        async let records = place.records(patient)
        try await Task.sleep(for: .milliseconds(200))
        try input.fileHandleForWriting.close()
        #expect(QueryTrial.bytes(try await records) == [[97], [98], [99]])
        holder.waitUntilExit()
    }

    @Test("The database that the sink writes into can be asked while it is open, and still becomes one file")
    func sinksOwn() async throws {
        let trial = SQLiteTrial(file: try SQLiteFile(), mode: .merge)
        try await trial.write(1, [.found("b", [.init("e1")]), .absent("a")])
        let place = try QueryTrial()
        let session = try await trial.open()
        try await trial.begin(2, session)
        try await trial.commit(1, [.absent("c")], run: 2, session)
        let reader = SQLiteUserReader(
            path: PathOption(written: "out.sqlite", resolved: trial.file.path), query: "SELECT user_id FROM users",
            stateDirectory: place.state)
        #expect(QueryTrial.bytes(try await place.records(reader)) == [[97], [98], [99]])
        try await trial.commit(2, [.absent("d")], run: 2, session)
        try await trial.complete(session)
        await session.close()
        #expect(trial.file.files == ["out.sqlite"])
        #expect(try trial.users() == ["a", "b", "c", "d"])
    }

    @Test("A long query ends soon after its task is cancelled, and leaves nothing")
    func cancelled() async throws {
        let place = try trial()
        let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n WHERE x < 0"
        let reader = place.reader(endless)
        let task = Task { try await reader.prepare(for: QueryTrial.run()) }
        // Until the answer is being written; the suite's time limit ends a wait that never would.
        while place.spools().isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        let cancelled = ContinuousClock.now
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(ContinuousClock.now - cancelled < .seconds(10))
        #expect(place.spools() == [])
    }

    @Test("A million and a half rows take no memory of their own")
    func memory() async throws {
        let place = try trial()
        let rows = 1_500_000
        let reader = place.reader(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < \(rows)) "
                + "SELECT printf('user-%040d', x) FROM n")
        let before = try Self.residentKilobytes()
        try await reader.prepare(for: QueryTrial.run())
        let cursor = try await reader.open(at: .start)
        var count = 0
        while true {
            let records = try await cursor.next(limit: 1000)
            if records.isEmpty { break }
            count += records.count
        }
        await cursor.close()
        let after = try Self.residentKilobytes()
        print("SQLite user reader: \(rows) rows of 45 bytes, \((after - before) / 1024) MiB more resident memory")
        #expect(count == rows)
        #expect(reader.inputSize ?? 0 > 70_000_000)
        #expect(after - before < 64 * 1024)
    }

    private static func residentKilobytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return Int(line.split(separator: " ").dropLast().last ?? "") ?? 0
    }
}
