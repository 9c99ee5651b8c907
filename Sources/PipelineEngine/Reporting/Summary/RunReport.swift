public import PipelineCore

/// How one run ended in this process.
public struct RunReport: Sendable {
    /// Nil where the run didn't get as far as its sinks.
    public var summary: RunSummary?
    /// What stopped it; nil where it is complete, or had nothing to do.
    public var error: PipelineError?
    /// The code of a run that ended without an error.
    public var completionCode: Int32

    public init(summary: RunSummary?, error: PipelineError? = nil, completionCode: Int32 = 0) {
        self.summary = summary
        self.error = error
        self.completionCode = completionCode
    }

    public var exitCode: Int32 { error?.exitCode ?? completionCode }
}
