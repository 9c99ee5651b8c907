import Foundation
import PipelineCore
import PostgresPlugins
import Testing

/// Servers that are away, refuse, or go in the middle of an answer.
@Suite(
    "Postgres user reader, when it can't read", .enabled(if: PostgresCluster.shared != nil), .serialized,
    .timeLimit(.minutes(5)))
struct PostgresUserReaderOutageTests {
    @Test("Refused connections, passwords, databases and tables, told apart, without a secret")
    func refused() async throws {
        let place = try PostgresQueryTrial()
        let cluster = place.schema.cluster
        let role = "reader_" + UUID().uuidString.lowercased().prefix(8)
        try place.schema.execute(
            """
            CREATE TABLE people (id int); CREATE ROLE \(role) LOGIN;
            GRANT USAGE ON SCHEMA "\(place.schema.name)" TO \(role)
            """)
        let people = "SELECT id FROM \"\(place.schema.name)\".people"
        let at = "127.0.0.1:\(cluster.port)"
        for (url, kind) in [
            ("postgresql://etl:opensesame@127.0.0.1:1/sluice", PipelineError.Kind.unavailable),
            ("postgresql://nobody_\(role):opensesame@\(at)/sluice", .permission),
            ("postgresql://\(role):opensesame@\(at)/sluice", .permission),
            ("postgresql://etl:opensesame@\(at)/missing", .configuration),
        ] {
            let error = try #require(await place.refusal(place.reader(people, url: url)))
            #expect(error.kind == kind, "\(error)")
            #expect(!"\(error)".contains("sesame"), "\(error)")
            #expect(place.spools() == [])
        }
        try place.schema.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
    }

    @Test("A server that comes within a while is waited for")
    func waited() async throws {
        let place = try PostgresQueryTrial()
        let clock = ContinuousClock()
        let waited = try await clock.measure {
            let error = await place.refusal(
                try place.reader("SELECT 1", url: "postgresql://etl@127.0.0.1:1/sluice", firstContact: .seconds(1)))
            #expect(error?.kind == .unavailable)
        }
        #expect(waited >= .seconds(1))
    }

    @Test("A connection that is lost in the middle of the answer leaves nothing; the next attempt reads all")
    func lost() async throws {
        let place = try PostgresQueryTrial()
        let rows = 200_000
        // The sort is done by the time that rows come; a slow reader is what the proxy is for.
        let query = "SELECT 'user-' || g FROM generate_series(1, \(rows)) AS g"
        for bytes in [1500, 100_000, 1_000_000] {
            let proxy = try AnswerCutter(serverPort: place.schema.cluster.port, bytes: bytes)
            let url = place.schema.url.replacing(":\(place.schema.cluster.port)/", with: ":\(proxy.port)/")
            let error = try #require(await place.refusal(place.reader(query, url: url)))
            #expect(error.kind == .unavailable, "\(error)")
            #expect(place.spools() == [])
        }
        #expect(try await place.records(place.reader(query)).count == rows)
        #expect(place.spools().count == 1)
    }

    @Test("A session that is ended by an administrator is an outage, a statement that is cancelled is to be repeated")
    func ended() async throws {
        let place = try PostgresQueryTrial()
        for (function, kind) in [
            ("pg_terminate_backend", PipelineError.Kind.unavailable), ("pg_cancel_backend", .temporary),
        ] {
            let mark = UUID().uuidString
            let reader = try place.reader("SELECT '\(mark)' FROM pg_sleep(60)")
            async let refusal = place.refusal(reader)
            try await until {
                try place.schema.text(
                    "SELECT count(\(function)(pid)) FROM pg_stat_activity WHERE query LIKE '%COPY%\(mark)%' "
                        + "AND pid <> pg_backend_pid() AND wait_event = 'PgSleep'") == "1"
            }
            let error = await refusal
            #expect(error?.kind == kind, "\(String(describing: error))")
            #expect(place.spools() == [])
        }
    }

    @Test(
        "A query ends soon after its task is cancelled, here and on the server",
        arguments: ["SELECT '%' FROM pg_sleep(60)", "SELECT '%' || g FROM generate_series(1, 1000000000) AS g"])
    func cancelled(query: String) async throws {
        let place = try PostgresQueryTrial()
        let mark = UUID().uuidString
        let reader = try place.reader(query.replacing("%", with: mark))
        let asked =
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%COPY%\(mark)%' AND pid <> pg_backend_pid() "
            + "AND state = 'active'"
        let task = Task { try await reader.prepare(for: PostgresQueryTrial.run) }
        try await until { try place.schema.text(asked) == "1" }
        let start = ContinuousClock.now
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(ContinuousClock.now - start < .seconds(10))
        try await until { try place.schema.text(asked) == "0" }
        #expect(place.spools() == [])
    }

    @Test("The answer is read from a table that somebody locks, once it is free")
    func locked() async throws {
        let place = try PostgresQueryTrial()
        try place.fill("t", ["a"])
        let reader = try place.reader("SELECT id FROM \"\(place.schema.name)\".t")
        let holder = PsqlReader(url: place.schema.url)
        _ = try holder.run("BEGIN; LOCK TABLE \"\(place.schema.name)\".t")
        let cancelled = Task { try await reader.prepare(for: PostgresQueryTrial.run) }
        try await Task.sleep(for: .milliseconds(300))
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        async let records = place.records(reader)
        try await Task.sleep(for: .milliseconds(200))
        _ = try holder.run("COMMIT")
        #expect(place.texts(try await records) == ["a"])
    }

    @Test("A million and a half rows take no memory of their own")
    func memory() async throws {
        let place = try PostgresQueryTrial()
        let rows = 1_500_000
        let reader = try place.reader("SELECT 'user-' || lpad(g::text, 40, '0') FROM generate_series(1, \(rows)) AS g")
        let before = try Self.residentKilobytes()
        try await reader.prepare(for: PostgresQueryTrial.run)
        let cursor = try await reader.open(at: .start)
        var count = 0
        while true {
            let records = try await cursor.next(limit: 1000)
            if records.isEmpty { break }
            count += records.count
        }
        await cursor.close()
        let after = try Self.residentKilobytes()
        print("Postgres user reader: \(rows) rows of 45 bytes, \((after - before) / 1024) MiB more resident memory")
        #expect(count == rows)
        #expect(after - before < 64 * 1024)
    }

    private static func residentKilobytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return Int(line.split(separator: " ").dropLast().last ?? "") ?? 0
    }

    private func until(_ condition: () throws -> Bool) async throws {
        let limit = ContinuousClock.now + .seconds(60)
        while try !condition() {
            guard ContinuousClock.now < limit else {
                throw Shell.Failure(message: "it didn't come to that in a minute")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}

/// A way to the server that breaks once it has let a number of bytes of answers through.
private final class AnswerCutter {
    let port: Int
    private let process = Process()
    private let input = Pipe()

    init(serverPort: Int, bytes: Int) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", Self.script, String(serverPort), String(bytes)]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = Int(line.trimmingCharacters(in: .newlines)) else {
            throw Shell.Failure(message: "the proxy doesn't start")
        }
        self.port = port
    }

    deinit { try? input.fileHandleForWriting.close() }

    private static let script = #"""
        import os, socket, sys, threading
        port, rest = int(sys.argv[1]), int(sys.argv[2])
        def pump(source, target, limited):
            global rest
            try:
                while True:
                    data = source.recv(16384)
                    if not data: break
                    if limited:
                        data = data[:max(rest, 0)]
                        rest -= len(data)
                    target.sendall(data)
                    if limited and rest <= 0: break
            except OSError: pass
            for end in (source, target):
                try: end.shutdown(socket.SHUT_RDWR)
                except OSError: pass
        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        def accept():
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", port))
                threading.Thread(target=pump, args=(client, server, False), daemon=True).start()
                threading.Thread(target=pump, args=(server, client, True), daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()
        sys.stdin.read()
        os._exit(0)
        """#
}
