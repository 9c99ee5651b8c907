internal import PipelineCore

/// What batches merged one after the other into an empty store come to, kept in dictionaries; of a store without keys,
/// all of their rows.
struct SinkContent {
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
        /// The date of the run that last changed a value of it.
        var changedAt: String
        /// None is earlier than any.
        var date: String { endpoint.effectiveDate ?? "" }

        /// Whether this execution of a run wrote it, not an earlier one.
        func isOf(_ run: String) -> Bool { runID == run && ordinal >= 0 }

        /// The bytes of all that is the endpoint's own, parts included.
        var content: [UInt8] {
            let row = SinkFixture.endpointRow(endpoint, user: userID, ordinal: 0, runID: "")
            let parts = [
                SinkFixture.attributeRows(endpoint, runID: nil), SinkFixture.metricRows(endpoint, runID: nil),
            ]
            return Array("\(row) \(parts)".utf8)
        }
    }

    private var users: [Key: [RowView.Value]] = [:]
    private var endpoints: [Key: StoredEndpoint] = [:]
    /// Where nothing has a key: the rows of every table, by its name.
    private var kept: [String: [[RowView.Value]]] = [:]
    private var batches = 0

    /// Merges one batch and gives what a sink must have counted; failures aside.
    mutating func merge(
        _ records: [SinkFixture.Record], firstOrdinal: Int, runID: String, conflict: ConflictPolicy
    ) -> RunCounts {
        batches += 1
        let before = endpoints
        var fetched: Set<Key> = []
        var written = 0
        let usesDates = conflict == .newest && !records.contains(where: \.isFetched)
        // What filters took out, with its date.
        var tombstones: [Key: String] = [:]
        for (offset, record) in records.enumerated() {
            let ordinal = firstOrdinal + offset
            func write(_ endpoint: SinkFixture.Endpoint, of user: String) {
                endpoints[Key(endpoint.id.utf8)] = StoredEndpoint(
                    endpoint: endpoint, user: Key(user.utf8), userID: user, ordinal: ordinal, runID: runID,
                    batch: batches, changedAt: SinkFixture.logicalDate(ofRun: runID))
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
            case .failed: break
            case .line(let user, let endpoint):
                let key = Key(endpoint.id.utf8)
                let date = endpoint.effectiveDate ?? ""
                if usesDates, endpoints[key].map({ $0.date > date }) ?? tombstones[key].map({ $0 > date }) ?? false {
                    // It is written, one might say, and gives way at once.
                    written += 1
                } else {
                    write(endpoint, of: user)
                }
            case .filtered(let id, let date):
                let key = Key(id.utf8)
                let standing = endpoints[key]?.date ?? tombstones[key] ?? ""
                if usesDates, standing > date ?? "" { continue }
                endpoints[key] = nil
                tombstones[key] = date ?? ""
            }
        }
        let mine = before.filter { fetched.contains($0.value.user) }
        var observed = RunCounts()
        observed.previousEndpoints = mine.count { !$0.value.isOf(runID) }
        let taken = before.filter { tombstones[$0.key] != nil && endpoints[$0.key] == nil && mine[$0.key] == nil }
        observed.removed =
            mine.count { !$0.value.isOf(runID) && endpoints[$0.key] == nil }
            + taken.count { !$0.value.isOf(runID) }
        // Rows of this run that gave way: those stored earlier, and those of this batch that didn't last.
        observed.superseded =
            before.count { $0.value.isOf(runID) && endpoints[$0.key]?.batch == batches }
            + mine.count { $0.value.isOf(runID) && endpoints[$0.key] == nil }
            + taken.count { $0.value.isOf(runID) }
            + written - endpoints.count { $0.value.batch == batches }
        observed.changes = changes(from: before, withdrawn: Set(mine.keys).union(taken.keys), runID: runID)
        return observed
    }

    /// Counts what the batch at hand has made of the endpoints that were there before, and gives those that it left as
    /// they were the date that they had.
    ///
    /// - Parameter withdrawn: the keys of those that may have gone by this batch.
    private mutating func changes(
        from before: [Key: StoredEndpoint], withdrawn: Set<Key>, runID: String
    ) -> EndpointChanges {
        var changes = EndpointChanges()
        let date = SinkFixture.logicalDate(ofRun: runID)
        for (key, endpoint) in endpoints where endpoint.batch == batches {
            guard let other = before[key] else {
                changes.added += 1
                continue
            }
            let isSame = other.content == endpoint.content
            if isSame { endpoints[key]?.changedAt = other.changedAt }
            if !other.isOf(runID) {
                if isSame { changes.unchanged += 1 } else { changes.changed += 1 }
            } else if !isSame, other.changedAt != date {
                changes.changed += 1
                changes.unchanged -= 1
            }
        }
        for key in withdrawn where endpoints[key] == nil {
            guard let other = before[key], other.isOf(runID) else { continue }
            if other.changedAt == date { changes.added -= 1 } else { changes.unchanged -= 1 }
        }
        return changes
    }

    /// Makes the rows of an earlier execution of a run an earlier run's, before all that this one writes.
    mutating func giveBack(_ runID: String) {
        for (key, endpoint) in endpoints where endpoint.runID == runID { endpoints[key]?.ordinal = -1 }
        guard let run = SinkFixture.users.index(of: "run_id"), let ordinal = SinkFixture.users.index(of: "ordinal")
        else {
            return
        }
        for (key, row) in users where row[run] == .text(runID) { users[key]?[ordinal] = .integer(-1) }
    }

    /// Keeps all rows of a batch as they come.
    mutating func append(_ batch: Batch, to tables: [TableDefinition]) {
        for (table, buffer) in zip(tables, batch.tables) {
            buffer.forEachRow { row in kept[table.name, default: []].append(table.columns.indices.map { row[$0] }) }
        }
    }

    /// Endpoints, and those of them that other content lacks, by key; of a store without keys by their number.
    func endpointCount(missingIn other: SinkContent) -> (all: Int, missing: Int) {
        let (rows, otherRows) = (kept[SinkFixture.endpoints.name] ?? [], other.kept[SinkFixture.endpoints.name] ?? [])
        return (
            endpoints.count + rows.count,
            endpoints.keys.count { other.endpoints[$0] == nil } + max(0, rows.count - otherRows.count)
        )
    }

    /// The rows of a table, in any order.
    ///
    /// - Parameter isKeyedByRun: whether parts carry their run's ID, as in `append`.
    func rows(of table: TableDefinition, isKeyedByRun: Bool) -> [[RowView.Value]] {
        let rows: [[RowView.Value]] =
            switch table.name {
            case SinkFixture.users.name: Array(users.values)
            case SinkFixture.failures.name: []
            case SinkFixture.attributes.name:
                endpoints.values.flatMap {
                    SinkFixture.attributeRows($0.endpoint, runID: isKeyedByRun ? $0.runID : nil)
                }
            case SinkFixture.metrics.name:
                endpoints.values.flatMap { SinkFixture.metricRows($0.endpoint, runID: isKeyedByRun ? $0.runID : nil) }
            default:
                endpoints.values.map {
                    SinkFixture.endpointRow($0.endpoint, user: $0.userID, ordinal: $0.ordinal, runID: $0.runID)
                }
            }
        return rows + (kept[table.name] ?? [])
    }
}

extension SinkFixture.Record {
    /// Whether it is a row of users.
    fileprivate var isFetched: Bool {
        switch self {
        case .found, .absent: true
        case .failed, .line, .filtered: false
        }
    }
}
