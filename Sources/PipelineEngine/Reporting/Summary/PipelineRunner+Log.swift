internal import Logging
internal import PipelineCore

/// The two lines that a supervisor watches: one when a call starts, one when a run of it ends. Their fields keep their
/// names.
extension PipelineRunner {
    func logStart(_ command: String) {
        var fields: Logger.Metadata = [
            "event": "start", "command": "\(command)", "pipeline": "\(plan.pipeline)", "version": "\(plan.version)",
        ]
        if !plan.shard.isWhole { fields["shard"] = "\(plan.shard.index)/\(plan.shard.count)" }
        log.notice("pipeline \(plan.pipeline): \(command) starts", metadata: fields)
    }

    func logEnd(_ report: RunReport) {
        var fields: Logger.Metadata = [
            "event": "end", "pipeline": "\(plan.pipeline)", "exit_code": .stringConvertible(report.exitCode),
        ]
        var subject = "pipeline \(plan.pipeline)"
        if let summary = report.summary {
            subject = "run \(summary.runID)"
            fields["run_id"] = "\(summary.runID)"
            fields["logical_date"] = "\(summary.logicalDate)"
            fields["state"] = "\(summary.state.toldText)"
            fields["records"] = .stringConvertible(summary.counts.records)
            fields["found"] = .stringConvertible(summary.counts.found)
            fields["absent"] = .stringConvertible(summary.counts.absent)
            fields["failed"] = .stringConvertible(summary.counts.failed)
            fields["elapsed_seconds"] = .stringConvertible(summary.roundedElapsedSeconds)
        }
        if let error = report.error {
            fields["error"] = "\(error.message)"
            if let hint = error.hint { fields["hint"] = "\(hint)" }
        }
        // Everything is fetched in an `unpublished` run as well, but nobody sees it.
        let end = report.error == nil ? report.summary?.state.rawValue ?? "nothing done" : "not complete"
        log.log(
            level: level(report.exitCode), "\(subject) ends: \(end), exit code \(report.exitCode)", metadata: fields)
    }

    /// A run that was stopped goes on by itself; whatever else isn't a success wants somebody's attention.
    private func level(_ exitCode: Int32) -> Logger.Level {
        switch exitCode {
        case 0: .notice
        case PipelineError.Kind.temporary.rawValue: .warning
        default: .error
        }
    }
}
