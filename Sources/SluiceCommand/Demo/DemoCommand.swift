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
        discussion: CommandHelp(
            "sluice demo",
            "sluice demo --kill 20",
            words: """
                Listens on a free port of the loopback interface. Needs no account and no credentials. Writes SQLite and \
                NDJSON into its directory and, where DATABASE_URL names a PostgreSQL database, the schema sluice_demo there.
                """, exits: CommandHelp.exitsOfARun
        ).text)

    @Option(
        help: ArgumentHelp("How many users the server has; 2000, with --kill 300 for each of them.", valueName: "n"))
    var users: Int?

    @Option(
        help: ArgumentHelp(
            "Kill the run so many times on the way, and compare what it leaves with an undisturbed one.", valueName: "n"
        ))
    var kill: Int?

    @Option(help: ArgumentHelp("Where the pipeline and its output go; created if missing.", valueName: "directory"))
    var directory = "sluice-demo"

    @Flag(help: "Write into the directory also where it holds files of these names that no demo has made.")
    var force = false

    @OptionGroup(title: "Logging") var logging: LogOptions

    func validate() throws {
        if let users, !(1...10_000_000).contains(users) {
            throw ValidationError("--users must be from 1 to 10000000.")
        }
        if let kill, !(1...1000).contains(kill) { throw ValidationError("--kill must be from 1 to 1000.") }
        guard !directory.contains("://") else {
            throw ValidationError("--directory must be a folder on this machine, not a URL.")
        }
    }

    func run() async throws {
        var log = logging.logger()
        log.logLevel = max(log.logLevel, .notice)
        let users = users ?? max(2000, 300 * (kill ?? 0))
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
            files = DemoFiles(directory: directory, hasServer: databaseURL != nil && kill == nil)
            let all = kill == nil ? [files] : [files, files.twin]
            for files in all {
                if !force { try files.requireReplaceable() }
                try files.makeDirectory()
                try population.writeIDs(to: files.users, force: force)
            }
            server = try await EndpointServer.start(settings)
            for files in all { try files.writePipeline(endpoint: server.url) }
            if kill != nil { try files.writeComparison(endpoint: server.url) }
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
        if let kill {
            let isEqual = try await KillDemo(files: files, kills: kill, users: users, log: log).perform()
            await server.stop()
            guard isEqual else { throw ExitCode(PipelineError.Kind.software.rawValue) }
            return Terminal.writeResult(files.queries)
        }
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
