internal import ArgumentParser
internal import EndpointServer
internal import Foundation
internal import Logging
internal import PipelineConfig
internal import PipelineCore
internal import PipelineEngine

/// `sluice demo`: a real pipeline against a server of its own, over HTTP.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Show the whole of it: a server that throttles and fails, a pipeline, and tables to look at.",
        discussion: """
            Listens on a free port of the loopback interface. Needs no account and no credentials. Writes SQLite and NDJSON \
            into its directory and, where DATABASE_URL names a PostgreSQL database, the schema sluice_demo there.
            """)

    @Option(help: "How many users the server has.")
    var users = 2000

    @Option(help: ArgumentHelp("Where the pipeline and its output go; created if missing.", valueName: "directory"))
    var directory = "sluice-demo"

    @Flag(help: "Write into the directory also where it holds files of these names that no demo has made.")
    var force = false

    @OptionGroup(title: "Logging") var logging: LogOptions

    func validate() throws {
        guard (1...10_000_000).contains(users) else { throw ValidationError("--users must be from 1 to 10000000.") }
        guard !directory.contains("://") else {
            throw ValidationError("--directory must be a folder on this machine, not a URL.")
        }
    }

    func run() async throws {
        var log = logging.logger()
        log.logLevel = max(log.logLevel, .notice)
        let population = SyntheticPopulation(users: users, seed: 1)
        var settings = EndpointServer.Configuration(population: population)
        settings.latency = .milliseconds(5)
        settings.rate = EndpointServer.RateLimit(requestsPerSecond: 1000, burst: 200)
        settings.faults = try FaultPlan(
            parsing: "status:500=0.01,status:503=0.005,reset=0.005,truncate=0.002,html=0.001,delay:1s=0.001")
        try ProcessLimits.looked()
        let server: RunningServer
        let files: DemoFiles
        do {
            files = DemoFiles(directory: directory, databaseURL: databaseURL)
            if !force { try files.requireReplaceable() }
            try files.makeDirectory()
            try population.writeIDs(to: files.users, force: force)
            server = try await EndpointServer.start(settings)
            try files.writePipeline(endpoint: server.url)
        } catch {
            let reason =
                (error as? OutputFileError).map { "\($0)" } ?? (error as? any LocalizedError)?.errorDescription
                ?? (error as NSError).localizedDescription
            Terminal.standardError.writeLine("sluice: error: the demo can't begin in '\(directory)': \(reason)")
            throw ExitCode(PipelineError.Kind.cantCreate.rawValue)
        }
        Terminal.writeResult(
            """
            A server with \(users) synthetic users listens on \(server.url).
            It allows 1,000 calls a second and fails some on purpose: errors, resets, truncated and delayed answers.

            $ sluice run \(files.pipeline)
            """)
        let reports = try await export(files, log: log)
        await server.stop()
        for report in reports { OutputFormat.text.print(report) }
        if let code = reports.last?.exitCode, code != 0 { throw ExitCode(code) }
        Terminal.writeResult(files.queries)
    }

    /// Where the demo also writes to; nil without one.
    private var databaseURL: String? {
        ProcessInfo.processInfo.environment["DATABASE_URL"].flatMap { $0.isEmpty ? nil : $0 }
    }

    private func export(_ files: DemoFiles, log: Logger) async throws -> [RunReport] {
        do {
            // The server verifies no signatures; whatever is in the environment need not leave it.
            var environment = ["AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo"]
            environment["DATABASE_URL"] = databaseURL
            let pipeline = try PipelineFile(
                path: files.pipeline, host: PluginHost(), log: log, environment: environment)
            return await SupervisedRun(plan: pipeline.plan(), log: log, isQuiet: false).run(
                // A demo that was interrupted left its run in a database unfinished.
                RunRequest(fresh: true))
        } catch let errors as ConfigurationErrors {
            Terminal.standardError.writeLine("\(errors)")
            throw ExitCode(errors.kind.rawValue)
        }
    }
}

/// What the demo leaves behind in its directory.
private struct DemoFiles {
    let directory: String
    var users: String { directory + "/users.txt" }
    var pipeline: String { directory + "/demo.yaml" }
    var database: String { directory + "/endpoints.sqlite" }
    var lines: String { directory + "/endpoints" }
    /// Whether the pipeline also writes to PostgreSQL.
    let hasServer: Bool

    init(directory: String, databaseURL: String?) {
        self.directory = directory
        hasServer = databaseURL != nil
    }

    func makeDirectory() throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    func writePipeline(endpoint: String) throws {
        try Self.text(endpoint: endpoint, hasServer: hasServer).write(
            toFile: pipeline, atomically: true, encoding: .utf8)
    }

    /// Checks that what is in the directory under the demo's names was made by a demo. The pipeline tells: it is written
    /// before there are tables, and one that was changed since has become somebody's own, its tables with it.
    func requireReplaceable() throws {
        try SyntheticFile.ids.requireReplaceable(users)
        let manager = FileManager.default
        guard manager.fileExists(atPath: pipeline) else {
            for path in [database, lines] where manager.fileExists(atPath: path) { throw somebodyElses(path) }
            return
        }
        // What can't be read was made by who knows whom.
        guard let text = try? String(contentsOfFile: pipeline, encoding: .utf8),
            let endpoint = text.firstMatch(of: /\n  endpoint_url: (http:\/\/127\.0\.0\.1:[0-9]+)\n/)?.1,
            [true, false].contains(where: { Self.text(endpoint: String(endpoint), hasServer: $0) == text })
        else { throw somebodyElses(pipeline) }
    }

    private func somebodyElses(_ path: String) -> OutputFileError {
        OutputFileError(
            path: path, reason: "no demo has made what is there, or it was changed since (--force writes over it)")
    }

    private static func text(endpoint: String, hasServer: Bool) -> String {
        """
        # A pipeline as the demo ran it. Its server is gone: name yours in endpoint_url, or leave that line out to
        # call Amazon Pinpoint itself.
        pipeline: demo
        source:
          type: pinpoint
          application_id: demo
          region: us-east-1
          endpoint_url: \(endpoint)
          users:
            type: file
            path: users.txt
          rate_limit: {requests_per_second: 1000, burst: 200}
          concurrency: 32
        sinks:
          - {type: sqlite, path: endpoints.sqlite, mode: merge}
          - {type: ndjson, path: endpoints, mode: append}
        \(hasServer ? serverSink : "")batch_size: 200

        """
    }

    private static let serverSink = """
          - {type: postgres, url: "${DATABASE_URL}", schema: sluice_demo, mode: merge}

        """

    var queries: String {
        let server = """

            $ psql "$DATABASE_URL" -c "SELECT channel_type, count(*) FROM sluice_demo.endpoints GROUP BY 1 ORDER BY 2 DESC"
            """
        return """

            The tables are in \(database). Two queries to try:

            $ sqlite3 -box \(database) \\
                "SELECT channel_type, endpoint_status, count(*) FROM endpoints GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 8"
            $ sqlite3 -box \(database) \\
                "SELECT name, value, count(DISTINCT user_id) AS users FROM user_attributes GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 8"

            The same rows as files are in \(directory)/endpoints/current:

            $ zcat \(directory)/endpoints/current/endpoints/*.gz | head -n 1\(hasServer ? server : "")
            """
    }
}
