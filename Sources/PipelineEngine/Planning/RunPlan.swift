internal import Flattening
public import PipelineCore

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

extension RunPlan {
    /// For each row set, in order, the first sink that gets it.
    var rowSetOwners: [PlannedSink] {
        var owners: [Int: PlannedSink] = [:]
        for sink in sinks.reversed() { owners[sink.rowSetIndex] = sink }
        return owners.sorted { $0.key < $1.key }.map(\.value)
    }
}
