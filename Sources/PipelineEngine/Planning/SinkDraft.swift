public import Flattening
public import PipelineCore

/// A sink as it is configured, before a plan says which rows it shares with others.
public struct SinkDraft: Sendable {
    public var sink: any Sink
    /// Shared transforms first, then the sink's own.
    public var transforms: [any Transform]
    /// The tables that it gets.
    public var layout: Layout
    /// The canonical text of its transforms: sinks with equal ones get equal rows.
    public var transformText: [UInt8]
    /// The canonical text of all that shapes its output.
    public var shapingText: [UInt8]

    public init(
        sink: any Sink, transforms: [any Transform], layout: Layout, transformText: [UInt8], shapingText: [UInt8]
    ) {
        self.sink = sink
        self.transforms = transforms
        self.layout = layout
        self.transformText = transformText
        self.shapingText = shapingText
    }
}

extension PlannedSink {
    /// What rows are made by.
    private struct RowSet: Hashable {
        var layout: Layout
        var transformText: [UInt8]
    }

    /// Plans a pipeline's sinks: which of them share their rows, and by which fingerprints their runs are known.
    ///
    /// Sinks with the same transforms share their rows, where these also have the same columns.
    public static func planned(
        _ drafts: [SinkDraft], shard: Shard = .whole, inputLimit: Int? = nil
    ) -> [PlannedSink] {
        var indices: [RowSet: Int] = [:]
        return drafts.map { draft in
            let rowSet = RowSet(layout: draft.layout, transformText: draft.transformText)
            let index = indices[rowSet] ?? indices.count
            indices[rowSet] = index
            return PlannedSink(
                sink: draft.sink, transforms: draft.transforms, layout: draft.layout, rowSetIndex: index,
                fingerprint: Fingerprint.make(
                    of: draft.shapingText, contentVersion: draft.sink.contentVersion, shard: shard,
                    inputLimit: inputLimit))
        }
    }
}
