package import Flattening
package import PipelineCore

/// Records to rows: transforms, then flattening, once for each distinct content. A function of the records and of what it
/// is made with; it knows no state and no clock.
package struct RecordFlattening: Sendable {
    private let chains: [TransformChain]
    private var builders: [BatchBuilder]

    /// - Parameter contents: the distinct transforms and layouts.
    package init(run: RowContext, contents: [(transforms: [any Transform], layout: Layout)]) {
        chains = contents.map { TransformChain($0.transforms) }
        builders = contents.map { BatchBuilder(layout: $0.layout, run: run) }
    }

    package mutating func append(_ record: SourceRecord) throws {
        for index in builders.indices { builders[index].append(try chains[index].applied(to: record)) }
    }

    /// Rows since the last `finish`, for each content and each of its tables.
    var rowCounts: [[Int]] { builders.map(\.rowCounts) }

    /// The rows since the last call, in the order of the contents.
    package mutating func finish() -> [AssembledBatch.BatchContent] {
        builders.indices.map { index in
            let tombstones = builders[index].finishTombstones()
            let (tables, counts) = builders[index].finish()
            return AssembledBatch.BatchContent(tables: tables, counts: counts, tombstones: tombstones)
        }
    }
}
