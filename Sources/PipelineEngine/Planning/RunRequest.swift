public import PipelineCore

/// What one call asks of a pipeline.
public struct RunRequest: Sendable {
    /// Nil: the first start's moment.
    public var logicalDate: Timestamp?
    /// Give up an unfinished run, or do a complete one again.
    public var fresh = false
    public var accepted: Set<AcceptedBrake> = []
    /// Ask once more for what failed, before the run ends and is published.
    public var retriesFailures = false

    public init(
        logicalDate: Timestamp? = nil, fresh: Bool = false, accepted: Set<AcceptedBrake> = [],
        retriesFailures: Bool = false
    ) {
        self.logicalDate = logicalDate
        self.fresh = fresh
        self.accepted = accepted
        self.retriesFailures = retriesFailures
    }
}
