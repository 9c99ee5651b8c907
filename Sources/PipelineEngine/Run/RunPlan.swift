public import Flattening
public import PipelineCore

/// A sink with what belongs to it alone.
public struct PlannedSink: Sendable {
    public var sink: any Sink
    /// Shared transforms first, then the sink's own.
    public var transforms: [any Transform]
    /// The tables that it gets.
    public var layout: Layout
    /// Which rows it gets, from 0 without gaps: sinks with equal numbers have the same transforms and the same layout, so
    /// that their rows are made once.
    public var content: Int
    /// A hash of the configuration that shapes this sink's output.
    public var fingerprint: String

    public init(
        sink: any Sink, transforms: [any Transform], layout: Layout, content: Int, fingerprint: String
    ) {
        self.sink = sink
        self.transforms = transforms
        self.layout = layout
        self.content = content
        self.fingerprint = fingerprint
    }
}

extension PlannedSink {
    /// Whether its `failures` hold user IDs as they were asked for: whoever needs one that they don't reads the input.
    ///
    /// A transform may hide them.
    var storesUserIDs: Bool { transforms.allSatisfy { $0.idMask(for: .user) == nil } }
}

/// A pipeline, ready to run: everything the engine needs to know, and nothing that says how it was written down.
public struct RunPlan: Sendable {
    public var pipeline: String
    public var source: SourcePlan
    /// At least one.
    public var sinks: [PlannedSink]
    /// Users in a batch.
    public var batchSize: Int
    public var limits: RunLimits
    public var onChangedInput: ChangedInputPolicy
    public var onNewColumns: NewColumnsPolicy
    /// Which part of the input is this process's.
    public var shard: Shard
    /// The input is taken to end after so many records; nil for all of them. Such a run never publishes a `replace`.
    public var inputLimit: Int?
    /// The program's version.
    public var version: String

    public init(
        pipeline: String, source: SourcePlan, sinks: [PlannedSink], batchSize: Int, limits: RunLimits,
        onChangedInput: ChangedInputPolicy, onNewColumns: NewColumnsPolicy = .add, shard: Shard = .whole,
        inputLimit: Int? = nil, version: String
    ) {
        self.pipeline = pipeline
        self.source = source
        self.sinks = sinks
        self.batchSize = batchSize
        self.limits = limits
        self.onChangedInput = onChangedInput
        self.onNewColumns = onNewColumns
        self.shard = shard
        self.inputLimit = inputLimit
        self.version = version
    }
}

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
