internal import ArgumentParser
internal import Logging
internal import PipelineConfig
internal import PipelineCore
internal import PipelineEngine

/// Shows that a run which is killed again and again leaves what an undisturbed one leaves.
struct KillDemo {
    let files: DemoFiles
    let kills: Int
    let users: Int
    let log: Logger

    /// - Returns: Whether both have left the same rows.
    func perform() async throws -> Bool {
        let date = Timestamp.now.wholeSecond
        do {
            let comparison = try plan(of: files.comparison)
            let start = ContinuousClock.now
            Terminal.writeResult("Killed by SIGKILL \(CountText.of(kills, "time")), and started again each time:\n")
            try await run(files, comparison.sinks[0], date).perform(kills: kills) { kill, committed in
                let number = String(repeating: " ", count: String(kills).count - String(kill).count) + "\(kill)"
                Terminal.writeResult("  kill \(number): \(bar(committed)) \(CountText.of(committed)) users committed")
            }
            Terminal.writeResult("  the end: \(bar(users)) \(CountText.of(users)) users\n")
            try await run(files.twin, comparison.sinks[1], date).perform(kills: 0) { _, _ in }
            let report = await comparison.verification(
                transformed: comparison.sinks.map { _ in false }, isOfAnyExecution: true)
            await comparison.source.lookup?.shutdown()
            if let error = report.error { throw error }
            tell(report, ContinuousClock.now - start)
            return report.isEqual
        } catch let failure as KilledRun.Failure {
            Terminal.standardError.writeLine("sluice: error: \(failure.message)")
            throw ExitCode(PipelineError.Kind.software.rawValue)
        } catch let error as PipelineError {
            Terminal.standardError.writeLine("sluice: error: \(error)")
            throw ExitCode(error.exitCode)
        }
    }

    private func run(_ files: DemoFiles, _ sink: PlannedSink, _ date: Timestamp) -> KilledRun {
        KilledRun(pipeline: files.pipeline, logicalDate: date, sink: sink, users: users)
    }

    private func plan(of path: String) throws -> RunPlan {
        do {
            return try PipelineFile(
                path: path, host: PluginHost(), log: log,
                environment: ["AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo"]
            ).plan()
        } catch let errors as ConfigurationErrors {
            Terminal.standardError.writeLine("\(errors)")
            throw ExitCode(errors.kind.rawValue)
        }
    }

    /// How far the run is, in 20 steps.
    private func bar(_ committed: Int) -> String {
        let filled = min(20, committed * 20 / max(1, users))
        return String(repeating: "█", count: filled) + String(repeating: "·", count: 20 - filled)
    }

    private func tell(_ report: VerificationReport, _ time: Duration) {
        Terminal.writeResult("Beside a run that nobody disturbed, by the sum of the rows' hashes:\n")
        let table = TextTable(
            columns: ["table", "rows", "killed", "undisturbed", ""],
            rows: report.tables.map { table in
                let hashes = table.contents.map(\.hash)
                return [
                    TextTable.Cell(text: table.name),
                    TextTable.Cell(text: CountText.of(table.contents.first?.rows ?? 0), isNumber: true),
                    TextTable.Cell(text: String((hashes.first ?? "").prefix(16))),
                    TextTable.Cell(text: String((hashes.last ?? "").prefix(16))),
                    TextTable.Cell(text: table.comparisons.allSatisfy(\.isEqual) ? "equal" : "DIFFERENT"),
                ]
            })
        let verdict =
            report.isEqual
            ? "Nothing lost, nothing twice: \(CountText.of(kills, "kill")) in \(CountText.of(seconds: time / .seconds(1)))."
            : "The rows differ: please report this."
        Terminal.writeResult(table.text + "\n" + verdict)
    }
}
