internal import PipelineCore

/// What a store must hold after records were merged one after the other, kept in dictionaries.
struct SinkModel {
    /// A key as its bytes: equal strings may differ in them (`é` has two spellings), keys may not.
    typealias Key = [UInt8]

    struct StoredEndpoint {
        var endpoint: SinkFixture.Endpoint
        var user: Key
        var userID: String
        var ordinal: Int
        var runID: String
        /// Counts the batches ever merged.
        var batch: Int
    }

    private(set) var users: [Key: [RowView.Value]] = [:]
    private(set) var endpoints: [Key: StoredEndpoint] = [:]
    private(set) var failures: [String: [RowView.Value]] = [:]
    private var batches = 0

    /// Merges one batch and gives what a sink must have counted.
    mutating func merge(
        _ records: [SinkFixture.Record], firstOrdinal: Int, runID: String, shard: Int = 0
    ) -> SinkObservations {
        batches += 1
        let before = endpoints
        var fetched: Set<Key> = []
        var written = 0
        for (offset, record) in records.enumerated() {
            let ordinal = firstOrdinal + offset
            func write(_ endpoint: SinkFixture.Endpoint, of user: String) {
                endpoints[Key(endpoint.id.utf8)] = StoredEndpoint(
                    endpoint: endpoint, user: Key(user.utf8), userID: user, ordinal: ordinal, runID: runID,
                    batch: batches)
                written += 1
            }
            switch record {
            case .found(let user, let answer):
                fetched.insert(Key(user.utf8))
                endpoints = endpoints.filter { $0.value.user != Key(user.utf8) }
                for endpoint in answer { write(endpoint, of: user) }
                users[Key(user.utf8)] = SinkFixture.userRow(
                    user, "found", endpoints: answer.count, ordinal: ordinal, runID: runID)
            case .absent(let user):
                fetched.insert(Key(user.utf8))
                endpoints = endpoints.filter { $0.value.user != Key(user.utf8) }
                users[Key(user.utf8)] = SinkFixture.userRow(
                    user, "absent", endpoints: 0, ordinal: ordinal, runID: runID)
            case .failed(let user):
                failures["\(runID) \(shard) \(ordinal)"] = SinkFixture.failureRow(
                    user, ordinal: ordinal, runID: runID, shard: shard)
            case .line(let user, let endpoint): write(endpoint, of: user)
            }
        }
        let mine = before.filter { fetched.contains($0.value.user) }
        var observed = SinkObservations()
        observed.previousEndpoints = mine.count { $0.value.runID != runID }
        observed.removed = mine.count { $0.value.runID != runID && endpoints[$0.key] == nil }
        // Rows of this run that gave way: those stored earlier, and those of this batch that didn't last.
        observed.superseded =
            before.count { $0.value.runID == runID && endpoints[$0.key]?.batch == batches }
            + mine.count { $0.value.runID == runID && endpoints[$0.key] == nil }
            + written - endpoints.count { $0.value.batch == batches }
        return observed
    }

    /// The rows of a table, in any order.
    func rows(of table: TableDefinition) -> [[RowView.Value]] {
        switch table.name {
        case SinkFixture.users.name: Array(users.values)
        case SinkFixture.failures.name: Array(failures.values)
        case SinkFixture.attributes.name: endpoints.values.flatMap { SinkFixture.attributeRows($0.endpoint) }
        case SinkFixture.metrics.name: endpoints.values.flatMap { SinkFixture.metricRows($0.endpoint) }
        default:
            endpoints.values.map {
                SinkFixture.endpointRow($0.endpoint, user: $0.userID, ordinal: $0.ordinal, runID: $0.runID)
            }
        }
    }
}
