import Foundation

/// A database's files as they are at one moment, in a folder of their own: what a process that dies then leaves.
struct CrashImage {
    let file: SQLiteFile

    init(of original: SQLiteFile) throws {
        file = try SQLiteFile()
        // Not the -shm file: it is memory of the processes that have the database open, and made anew from the log.
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: original.path + suffix) {
            try FileManager.default.copyItem(atPath: original.path + suffix, toPath: file.path + suffix)
        }
    }
}

/// A Python process that reads a database over and over, by a connection that stays and by new ones in turn.
final class PollingReader {
    struct Seen {
        /// Without repetitions that follow each other.
        var states: [String] = []
        var reads = 0
        var retries = 0
        /// Errors that didn't go away by trying again for a second.
        var lastingErrors: [String] = []
    }

    private let process = Process()
    private let stop: String
    private let progress: String
    private let output = Pipe()

    init(_ file: SQLiteFile) throws {
        stop = "\(file.folder)/stop"
        progress = "\(file.folder)/progress"
        let script = """
            import json, os, sqlite3, sys, time
            path, stop, progress = sys.argv[1:]
            def opened():
                connection = sqlite3.connect("file:" + path + "?mode=rw", uri=True, timeout=0, isolation_level=None)
                return connection
            def read(connection):
                connection.execute("BEGIN")
                try:
                    users = connection.execute("SELECT group_concat(DISTINCT run_id), count(*) FROM users").fetchone()
                    endpoints = connection.execute("SELECT group_concat(DISTINCT run_id), count(*) FROM endpoints").fetchone()
                    parts = connection.execute("SELECT count(*) FROM endpoint_attributes").fetchone()
                    mine = connection.execute("SELECT count(*) FROM mine").fetchone()
                finally: connection.execute("COMMIT")
                return " ".join(str(value) for row in (users, endpoints, parts, mine) for value in row)
            kept, states, reads, retries, lasting = opened(), [], 0, 0, []
            while not os.path.exists(stop):
                began = time.monotonic()
                while True:
                    connection = None
                    try:
                        connection = kept if reads % 2 else opened()
                        state = read(connection)
                        break
                    except sqlite3.Error as error:
                        retries += 1
                        if time.monotonic() - began > 1: lasting.append(str(error)); state = None; break
                        time.sleep(0.001)
                    finally:
                        if connection is not None and connection is not kept: connection.close()
                reads += 1
                if state is not None and states[-1:] != [state]: states.append(state)
                with open(progress + ".next", "w") as file: file.write(str(reads))
                os.replace(progress + ".next", progress)
            kept.close()
            print("\\n".join([str(reads), str(retries), json.dumps(lasting)] + states))
            """
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script, file.path, stop, progress]
        process.standardOutput = output
        try process.run()
        while reads == 0, process.isRunning { usleep(2000) }
    }

    private var reads: Int { (try? String(contentsOfFile: progress, encoding: .utf8)).flatMap { Int($0) } ?? 0 }

    /// Waits until some more reads, both kinds among them, began and ended.
    func waitForMore() async throws {
        let enough = reads + 5
        while reads < enough {
            guard process.isRunning else { throw SQLiteFile.ReadingError(message: "the reader has ended") }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    func finish() throws -> Seen {
        _ = FileManager.default.createFile(atPath: stop, contents: nil)
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let lines = text.split(separator: "\n").map(String.init)
        guard process.terminationStatus == 0, lines.count >= 3 else {
            throw SQLiteFile.ReadingError(message: "the reader failed")
        }
        return Seen(
            states: Array(lines[3...]), reads: Int(lines[0]) ?? 0, retries: Int(lines[1]) ?? 0,
            lastingErrors: lines[2] == "[]" ? [] : [lines[2]])
    }
}
