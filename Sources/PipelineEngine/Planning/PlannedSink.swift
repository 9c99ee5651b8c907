public import Flattening
public import PipelineCore

/// A sink with what belongs to it alone.
public struct PlannedSink: Sendable {
    public var sink: any Sink
    /// Shared transforms first, then the sink's own.
    public var transforms: [any Transform]
    /// The tables that it gets.
    public var layout: Layout
    /// Which rows it gets, from 0 without gaps: sinks with equal ones have the same transforms and the same layout, so that
    /// their rows are made once.
    public var rowSetIndex: Int
    /// A hash of the configuration that shapes this sink's output.
    public var fingerprint: String

    public init(
        sink: any Sink, transforms: [any Transform], layout: Layout, rowSetIndex: Int, fingerprint: String
    ) {
        self.sink = sink
        self.transforms = transforms
        self.layout = layout
        self.rowSetIndex = rowSetIndex
        self.fingerprint = fingerprint
    }
}

extension PlannedSink {
    /// Whether its `failures` hold user IDs as they were asked for: whoever needs one that they don't reads the input.
    ///
    /// A transform may hide them.
    var storesUserIDs: Bool { transforms.allSatisfy { $0.idMask(for: .user) == nil } }
}
