internal import PipelineCore

/// Something that helps after a run: a command of this program.
public struct NextStep: Sendable, Hashable {
    /// Nil for the command that has just been called.
    var command: String?
    /// Those that say which part of the input is meant come by themselves.
    var options: [String] = []
    /// What it does, or when to call it.
    var purpose: String
}

extension NextStep {
    /// What helps after a run, the most likely first; nothing after one that went well.
    ///
    /// - Parameter isLast: It is the pipeline's last run; `retry` amends no other one.
    static func after(_ report: RunReport, _ plan: RunPlan, isLast: Bool = true) -> [NextStep] {
        guard let summary = report.summary else { return [] }
        guard let error = report.error else { return afterEnd(summary, plan, isLast: isLast) }
        var steps: [NextStep] = []
        switch error.kind {
        case .software: break
        case .temporary: steps.append(NextStep(purpose: goesOn(summary)))
        case .brake:
            if let option = error.option {
                steps.append(
                    NextStep(
                        options: option.split(separator: " ").map(String.init),
                        purpose: "\(goesOn(summary)), and passes the brake: only if it is right as it is"))
            }
        default: steps.append(NextStep(purpose: "\(goesOn(summary)), once the cause is gone"))
        }
        guard summary.counts.failed > 0 else { return steps }
        // Before a brake is passed somebody should look.
        return error.kind == .brake ? [tellingFailures] + steps : steps + [tellingFailures]
    }

    private static func goesOn(_ summary: RunSummary) -> String {
        let committed = summary.sinks.map(\.consumed).min() ?? 0
        return committed == 0 ? "begins again" : "goes on after the first \(committed) records"
    }

    private static func afterEnd(_ summary: RunSummary, _ plan: RunPlan, isLast: Bool) -> [NextStep] {
        let failures = Shortcoming.failures(summary, plan, isLast: isLast)
        var steps: [NextStep] = []
        if failures.isAmendable {
            steps.append(
                NextStep(
                    command: "retry",
                    purpose: "asks again for users that failed"
                        + (summary.state == .unpublished ? ", and publishes when few enough are left" : "")))
        }
        if !failures.closed.isEmpty {
            steps.append(
                NextStep(
                    command: "run", options: ["--fresh", "--logical-date", summary.logicalDate, "--retry"],
                    purpose: "does the run again in its place"))
        }
        let failed = summary.sinks.map { $0.counts.failed + $0.counts.refused }.max() ?? 0
        if failed > 0 { steps.append(tellingFailures) }
        return steps
    }

    private static let tellingFailures = NextStep(command: "report", purpose: "tells what failed, by code")

    /// The command as it is typed.
    ///
    /// - Parameter file: The pipeline's, as it was named.
    func words(_ call: ReportedCall, file: String) -> [String] {
        let isReport = command == "report"
        return ["sluice", command ?? call.command, Self.quoted(file)] + options + (isReport ? [] : call.partOptions)
    }

    /// A word for a shell.
    static func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
                    true
                default: "._-/+,:=@%".utf8.contains(byte)
                }
            }
        return isPlain
            ? word : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
