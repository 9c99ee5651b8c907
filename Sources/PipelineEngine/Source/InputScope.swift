internal import PipelineCore

/// How much of an input a run is about.
package struct InputScope: Sendable {
    package var shard: Shard
    /// The input is taken to end after so many records; nil for all of them.
    package var limit: Int?

    package init(shard: Shard = .whole, limit: Int? = nil) {
        self.shard = shard
        self.limit = limit
    }

    /// - Parameter cursor: at the input's beginning.
    func limiting(_ cursor: some UserCursor) -> any InputCursor<InputRecord> {
        limit.map { LimitedCursor(cursor, limit: $0) } ?? cursor
    }
}
