internal import ArgumentParser
internal import FilePlugins
internal import Glibc
internal import Logging
internal import PipelineCore
internal import PipelineEngine

/// `sluice changes`: what merges added, changed and removed, as counts or as rows.
struct ChangesCommand: PipelineCommand {
    static let configuration = CommandConfiguration(
        commandName: "changes",
        abstract: "Tell what merges added, changed and removed: counts, or the rows as NDJSON.",
        discussion: CommandHelp(
            "sluice changes nightly.yaml",
            "sluice changes nightly.yaml --since 2026-11-23 --rows",
            words: """
                Asks the sinks in mode merge alone, and only looks: what the last complete run changed, or, with --since, all \
                runs whose logical date is that one or later.

                With --rows each line is a change. Applied in this order they keep a copy of the tables: an upsert of an \
                endpoint takes the place of all that the copy has of it, and its parts follow; a remove deletes an endpoint \
                with its parts. To go on, name the last date that was followed: nothing is missed, and what comes twice does \
                no harm.
                """, exits: CommandHelp.exitsOfSinks + [.ioError]
        ).text)

    @Argument(
        help: ArgumentHelp("The pipeline's file.", valueName: "file"), completion: PipelineFile.completion)
    var file: String

    @Option(
        help: ArgumentHelp(
            "Tell of runs from this logical date on, as 2026-11-23 or 2026-11-23T04:00:00Z.", valueName: "time"),
        transform: DateArgument.read)
    var since: Timestamp?

    @Flag(help: "Write the rows, one JSON object a line.")
    var rows = false

    @Option(
        help: ArgumentHelp("Ask this sink alone; needed with --rows where several merge.", valueName: "name"))
    var sink: String?

    @Option(name: .shortAndLong, help: "How counts look: text, or json on one line.")
    var output = OutputFormat.text

    @OptionGroup var settings: SettingsOptions

    @OptionGroup(title: "Logging") var logging: LogOptions

    func run(_ host: PluginHost) async throws {
        try ProcessLimits.looked(runs: false)
        let plan = try PipelineFile.plan(path: file, host: host, logging: logging)
        do {
            let code = rows ? try await tellRows(plan) : try await tellCounts(plan)
            await plan.source.lookup?.shutdown()
            if code != 0 { throw ExitCode(code) }
        } catch let error as PipelineError {
            await plan.source.lookup?.shutdown()
            logging.report("sluice: error: \(error)", exitCode: error.exitCode, to: logging.logger())
            throw ExitCode(error.exitCode)
        }
    }

    private func tellCounts(_ plan: RunPlan) async throws -> Int32 {
        let changes = await plan.changes(in: try plan.mergingSinks(named: sink), since: since)
        Terminal.writeResult(output == .json ? changes.json : changes.text)
        for (sink, error) in changes.errors { report(error, of: sink) }
        return changes.exitCode
    }

    private func tellRows(_ plan: RunPlan) async throws -> Int32 {
        let planned = try plan.mergingSink(named: sink)
        // Whoever has read enough of it ends the command, which is no failure.
        signal(SIGPIPE, SIG_IGN)
        var lines = ChangeLines([])
        // A slow reader of the output blocks this alone.
        let output = BlockingCall(label: "changes.output")
        let account = await plan.changedRows(of: planned, since: since, begin: { lines = ChangeLines($0) }) { changes in
            var text: [UInt8] = []
            for change in changes { lines.append(change, to: &text) }
            let bytes = text
            return (try? await output.perform { Terminal.writeResult(bytes) }) ?? false
        }
        for note in account.notes { logging.logger().warning("sink '\(planned.sink.name)': \(note)") }
        if let error = account.error { report(error, of: planned.sink.name) }
        return account.error?.exitCode ?? 0
    }

    private func report(_ error: PipelineError, of sink: String) {
        logging.report("sluice: error: sink '\(sink)': \(error)", exitCode: error.exitCode, to: logging.logger())
    }
}
