public import PipelineCore

/// How one run ended in this process, or why a call got to none.
public struct RunReport: Sendable {
    /// Nil where the call didn't get as far as a run.
    public var summary: RunSummary?
    /// What stopped it; nil where it is complete, or had nothing to do.
    public var error: PipelineError?
    /// The code of a run that ended without an error.
    public var completionCode: Int32
    /// The call was let into no store, because another one holds a lock there: what is to be told is the other's.
    public var isLockedOut = false
    /// The call that it tells of.
    public var call: ReportedCall
    /// What helps now, the most likely first.
    public var nextSteps: [NextStep] = []

    public init(
        summary: RunSummary?, error: PipelineError? = nil, completionCode: Int32 = 0,
        call: ReportedCall = ReportedCall()
    ) {
        self.summary = summary
        self.error = error
        self.completionCode = completionCode
        self.call = call
    }

    public var exitCode: Int32 { error?.exitCode ?? completionCode }
}

/// The call of a command that a report tells of. It is known also where the pipeline's file couldn't be read.
public struct ReportedCall: Sendable {
    /// `run` or `retry`.
    public var command: String
    /// Nil where nobody knows it.
    public var pipeline: String?
    /// The program's.
    public var version: String?
    public var startedAt: String
    public var finishedAt: String
    /// The pipeline's, in the configuration's order; empty where nobody knows them.
    public var sinks: [ReportedSink] = []
    /// The part of the input that the call has, as its options say it: `--shard 0/4`.
    public var partOptions: [String] = []

    public init(
        _ command: String = "run", pipeline: String? = nil, version: String? = nil, startedAt: Timestamp = .now,
        finishedAt: Timestamp = .now
    ) {
        self.command = command
        self.pipeline = pipeline
        self.version = version
        self.startedAt = startedAt.text
        self.finishedAt = finishedAt.text
    }

    /// A call for a pipeline that could be read.
    public init(_ command: String, _ plan: RunPlan, startedAt: Timestamp, finishedAt: Timestamp = .now) {
        self.init(
            command, pipeline: plan.pipeline, version: plan.version, startedAt: startedAt, finishedAt: finishedAt)
        sinks = plan.sinks.map { planned in
            ReportedSink(
                name: planned.sink.name, type: planned.sink.typeName, target: planned.sink.target,
                mode: planned.sink.mode)
        }
        if !plan.shard.isWhole { partOptions += ["--shard", "\(plan.shard.index)/\(plan.shard.count)"] }
        if let limit = plan.inputLimit { partOptions += ["--limit", "\(limit)"] }
    }
}

/// A sink as a report names it.
public struct ReportedSink: Sendable, Hashable {
    public var name: String
    public var type: String
    public var target: String
    public var mode: WriteMode
}
