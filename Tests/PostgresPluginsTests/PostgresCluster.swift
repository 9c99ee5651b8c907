import Foundation

/// A private PostgreSQL server for the suite: its own data folder, port and socket. It stops and its folder goes when the
/// test process ends, however that ends.
///
/// `SLUICE_TEST_POSTGRES` names a server that is there already, as a libpq URL of a superuser.
final class PostgresCluster: Sendable {
    /// Nil where no PostgreSQL is installed.
    static let shared: PostgresCluster? = {
        if let url = ProcessInfo.processInfo.environment["SLUICE_TEST_POSTGRES"] { return PostgresCluster(url: url) }
        do { return try PostgresCluster() } catch {
            print("SKIPPED: no PostgreSQL server can be started here: \(error)")
            return nil
        }
    }()

    /// A superuser's URL, without a password.
    let url: String
    let port: Int
    let psql: PsqlReader
    /// Of the programs: psql, pg_ctl; nil for a server that was there already.
    private let binaries: String?
    private let folder: String?
    private let keeper: Process?
    /// Closing it stops the server; the kernel does so when this process dies.
    private let lifeline: Pipe?

    private init(url: String) {
        self.url = url
        port = Int(url.split(separator: "/").dropFirst().first?.split(separator: ":").last ?? "") ?? 5432
        psql = PsqlReader(url: url)
        binaries = nil
        folder = nil
        keeper = nil
        lifeline = nil
    }

    private init() throws {
        let binaries = try Shell.run("pg_config", "--bindir").trimmingCharacters(in: .whitespacesAndNewlines)
        let folder = "/tmp/sluice-postgres-\(UUID().uuidString.prefix(8))"
        let port = Int.random(in: 20_000..<32_000)
        self.binaries = binaries
        self.folder = folder
        self.port = port
        url = "postgresql://etl@127.0.0.1:\(port)/sluice"
        psql = PsqlReader(url: url)
        let process = Process()
        let lifeline = Pipe()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", Self.script, "sh", binaries, folder, String(port)]
        process.standardInput = lifeline
        process.standardOutput = output
        keeper = process
        self.lifeline = lifeline
        try process.run()
        var answer = ""
        while !answer.contains("\n") {
            let data = output.fileHandleForReading.availableData
            if data.isEmpty { break }
            answer += String(decoding: data, as: UTF8.self)
        }
        guard answer == "ready\n" else { throw Shell.Failure(message: "the server did not start: \(answer)") }
    }

    /// Starts the server, says so, and stops it at the end of standard input. PostgreSQL refuses to run as root.
    private static let script = #"""
        bin=$1 dir=$2 port=$3
        trap '' INT TERM HUP
        mkdir -p "$dir" || exit 1
        as=
        if [ "$(id -u)" = 0 ]; then
            chown postgres "$dir" || exit 1
            as="setpriv --reuid=postgres --regid=postgres --init-groups env HOME=$dir"
        fi
        {
            $as "$bin/initdb" -D "$dir/data" -U etl -E UTF8 --locale=C.UTF-8 --auth=trust -N
            printf '%s\n' "fsync = off" "max_connections = 60" "unix_socket_directories = '$dir'" "port = $port" \
                "listen_addresses = '127.0.0.1'" "log_min_messages = warning" >>"$dir/data/postgresql.conf"
            { echo "host all locked 127.0.0.1/32 scram-sha-256"; cat "$dir/data/pg_hba.conf"; } >"$dir/hba"
            cp "$dir/hba" "$dir/data/pg_hba.conf"
            cd "$dir"
            $as "$bin/pg_ctl" -w -D "$dir/data" -l "$dir/log" start </dev/null
            "$bin/psql" -h 127.0.0.1 -p "$port" -U etl -d postgres -c "CREATE DATABASE sluice"
        } >"$dir/setup.log" 2>&1 && echo ready || { cat "$dir/setup.log"; echo failed; }
        exec >/dev/null 2>&1
        cat
        $as "$bin/pg_ctl" -D "$dir/data" -m immediate stop </dev/null
        rm -rf "$dir"
        """#

    /// Whether it may be stopped.
    var isPrivate: Bool { folder != nil }

    /// Runs `pg_ctl` on the private server; nil for a server that was there already.
    @discardableResult
    func control(_ arguments: String...) throws -> String? {
        guard let binaries, let folder else { return nil }
        var command = ["\(binaries)/pg_ctl", "-D", "\(folder)/data", "-l", "\(folder)/log"] + arguments
        if getuid() == 0 {
            command =
                ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "env", "HOME=\(folder)"] + command
        }
        // `Process` takes a command for unfinished while anybody holds the files that it inherited, as a server would that
        // is started here; Python passes none on.
        let script = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"
        return try Shell.run(["python3", "-c", script] + command)
    }
}

/// Commands of the system.
enum Shell {
    struct Failure: Error { var message: String }

    static func run(_ command: String...) throws -> String { try run(command) }

    /// Runs a command and gives what it prints.
    static func run(_ command: [String], input: String = "") throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.currentDirectoryURL = URL(fileURLWithPath: "/tmp")
        let (files, output) = (Pipe(), FileManager.default.temporaryDirectory.appending(path: UUID().uuidString))
        // A server that is started here keeps the output open; a file doesn't mind.
        _ = FileManager.default.createFile(atPath: output.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: output) }
        let sink = try FileHandle(forWritingTo: output)
        process.standardInput = files
        process.standardOutput = sink
        process.standardError = sink
        try process.run()
        files.fileHandleForWriting.write(Data(input.utf8))
        try files.fileHandleForWriting.close()
        process.waitUntilExit()
        let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
        guard process.terminationStatus == 0 else { throw Failure(message: "\(command.first ?? ""): \(text)") }
        return text
    }
}
