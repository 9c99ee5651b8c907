import PipelineCore

/// Merges a batch into rows in memory, record by record, in the order of their ordinals.
struct RecordMerge {
    let tables: [TableDefinition]
    let isKeyed: Bool
    let runID: String
    let conflict: ConflictPolicy
    /// `table/key` → the row's values.
    private(set) var rows: [String: [RowView.Value]]
    private(set) var lastRow: Int
    /// Endpoints in place, with the user and the run that they belong to; none where rows have no keys.
    private var owned: [String: Owner] = [:]

    private struct Owner {
        var user: RowView.Text
        var run: String
    }

    init(
        tables: [TableDefinition], isKeyed: Bool, runID: String, conflict: ConflictPolicy,
        rows: [String: [RowView.Value]], lastRow: Int
    ) {
        self.tables = tables
        self.isKeyed = isKeyed
        self.runID = runID
        self.conflict = conflict
        self.rows = rows
        self.lastRow = lastRow
    }

    private struct Entry {
        var table: Int
        var row: [RowView.Value]
        /// Of an endpoint: the rows of its parts.
        var parts: [(table: Int, row: [RowView.Value])] = []
    }

    /// - Returns: what was counted; refused records are rows of `failures`.
    mutating func merge(_ batch: Batch, shard: Int, refuses: (String) -> Bool) -> RunCounts {
        var observed = RunCounts()
        owned = owners()
        let before = owned
        var fetched: Set<RowView.Text> = []
        var written: [String] = []
        var older = 0
        let usesDates = isKeyed && conflict == .newest && !hasUsers(batch)
        let withdrawals = isKeyed ? withdrawals(of: batch) : [:]
        // What filters took out of this batch, with its date.
        var tombstones: [String: String] = [:]
        let records = records(of: batch)
        for ordinal in Set(records.keys).union(withdrawals.keys).sorted() {
            for (key, date) in withdrawals[ordinal] ?? [] {
                if usesDates, standing(key, tombstones) > date { continue }
                remove(key)
                tombstones[key] = date
            }
            let entries = records[ordinal] ?? []
            if isKeyed, !batch.amends.isEmpty, entries.contains(where: { hasLater($0, than: ordinal) && isUser($0) }) {
                older += entries.count { tables[$0.table].role == .endpoints }
                continue
            }
            let userID = entries.compactMap { text("user_id", $0) }.first ?? ""
            if refuses(userID) {
                refuse(entries, ordinal: ordinal, shard: shard, &observed)
                continue
            }
            for entry in entries {
                switch tables[entry.table].role {
                case .users:
                    fetched.insert(RowView.Text(userID))
                    for (key, owner) in owned where owner.user == RowView.Text(userID) {
                        remove(key)
                    }
                    write(entry.table, entry.row)
                case .endpoints:
                    if isKeyed, !batch.amends.isEmpty, hasLater(entry, than: ordinal) {
                        older += 1
                        continue
                    }
                    if usesDates,
                        date(entry.table, entry.row) < standing(key(entry.table, entry.row), tombstones)
                    {
                        older += 1
                        continue
                    }
                    if isKeyed { remove(key(entry.table, entry.row)) }
                    written.append(key(entry.table, entry.row))
                    write(entry.table, entry.row)
                    for part in entry.parts { write(part.table, part.row) }
                case .endpointParts, .failures, .ledger: write(entry.table, entry.row)
                }
            }
        }
        guard isKeyed else { return observed }
        let theirs = before.filter { fetched.contains($0.value.user) }
        let earlier = theirs.filter { $0.value.run != runID }
        observed.previousEndpoints = earlier.count
        let taken = before.filter { tombstones[$0.key] != nil && rows[$0.key] == nil && theirs[$0.key] == nil }
        observed.removed = earlier.keys.count { rows[$0] == nil } + taken.count { $0.value.run != runID }
        // Stored rows of this run that rows of the batch replaced or that their users no longer have, and rows of the batch
        // that didn't last.
        let lasting = Set(written).filter { rows[$0] != nil }
        observed.superseded =
            before.count { $0.value.run == runID && lasting.contains($0.key) }
            + theirs.count { $0.value.run == runID && rows[$0.key] == nil } + written.count - lasting.count
            + older + taken.count { $0.value.run == runID }
        return observed
    }

    /// The rows of each record; users first, then endpoints with their parts, then failures.
    private func records(of batch: Batch) -> [Int64: [Entry]] {
        var values = batch.tables.map { buffer in
            var rows: [[RowView.Value]] = []
            buffer.forEachRow { row in rows.append((0..<buffer.columnCount).map { row[$0] }) }
            return rows
        }
        var result: [Int64: [Entry]] = [:]
        for (index, table) in tables.enumerated() where table.role != .endpointParts {
            for (number, row) in values[index].enumerated() {
                var entry = Entry(table: index, row: row)
                if table.role == .endpoints {
                    for part in tables.indices where tables[part].role == .endpointParts {
                        let ends = batch.tables[part].groupEnds
                        for place in (number == 0 ? 0 : ends[number - 1])..<ends[number] {
                            entry.parts.append((part, values[part][place]))
                            values[part][place] = []
                        }
                    }
                }
                guard let place = table.index(of: "ordinal"), case .integer(let ordinal) = row[place] else { continue }
                result[ordinal, default: []].append(entry)
            }
        }
        return result
    }

    /// By ordinal: the keys of endpoints that filters have taken out, with their dates.
    private func withdrawals(of batch: Batch) -> [Int64: [(key: String, date: String)]] {
        guard let endpoints = tables.first(where: { $0.role == .endpoints }) else { return [:] }
        let leading = endpoints.key.first == "run_id" ? [MemoryStore.key(runID)] : []
        var result: [Int64: [(key: String, date: String)]] = [:]
        batch.tombstones.forEachRow { row in
            guard case .text(let application) = row[Tombstones.applicationID],
                case .text(let id) = row[Tombstones.endpointID], case .integer(let ordinal) = row[Tombstones.ordinal]
            else { return }
            let key = leading + [MemoryStore.key(application), MemoryStore.key(id)]
            var date = ""
            if case .time(let text) = row[Tombstones.effectiveDate] { date = text }
            result[ordinal, default: []].append(("\(endpoints.name)/\(key.joined(separator: "/"))", date))
        }
        return result
    }

    /// The date of what stands for an endpoint, or of what took it out of the batch; none is the earliest.
    private func standing(_ key: String, _ tombstones: [String: String]) -> String {
        guard let table = tables.firstIndex(where: { $0.role == .endpoints }), let row = rows[key] else {
            return tombstones[key] ?? ""
        }
        return date(table, row)
    }

    // MARK: Rows

    private func isUser(_ entry: Entry) -> Bool { tables[entry.table].role == .users }

    /// Whether the run has a row with this key already, of a record that comes later in the input.
    private func hasLater(_ entry: Entry, than ordinal: Int64) -> Bool {
        let table = tables[entry.table]
        guard let stored = rows[key(entry.table, entry.row)], let run = table.index(of: "run_id"),
            let place = table.index(of: "ordinal"), stored[run] == .text(runID),
            case .integer(let other) = stored[place]
        else { return false }
        return other > ordinal
    }

    private func owners() -> [String: Owner] {
        guard isKeyed, let table = tables.firstIndex(where: { $0.role == .endpoints }) else { return [:] }
        var result: [String: Owner] = [:]
        for (key, row) in rows where key.hasPrefix(tables[table].name + "/") {
            let owner = owner(table, row)
            // In `append` the rows of other runs are nobody's business.
            if tables[table].key.first == "run_id", owner.run != runID { continue }
            result[key] = owner
        }
        return result
    }

    private func owner(_ table: Int, _ row: [RowView.Value]) -> Owner {
        let entry = Entry(table: table, row: row)
        var run = text("run_id", entry) ?? ""
        // Of an earlier execution of the same run: another run's, as it were.
        if let place = tables[table].index(of: "ordinal"), row[place] == .integer(-1) { run = "" }
        return Owner(user: RowView.Text(text("user_id", entry) ?? ""), run: run)
    }

    /// Removes an endpoint with its parts, if it is there.
    private mutating func remove(_ key: String) {
        guard rows.removeValue(forKey: key) != nil,
            let table = tables.firstIndex(where: { $0.role == .endpoints })
        else { return }
        let suffix = key.dropFirst(tables[table].name.count)
        for part in tables where part.role == .endpointParts {
            rows = rows.filter { !$0.key.hasPrefix(part.name + suffix + "/") }
        }
        owned[key] = nil
    }

    private mutating func write(_ table: Int, _ row: [RowView.Value]) {
        lastRow += 1
        let key = isKeyed ? key(table, row) : "\(tables[table].name)/\(lastRow)"
        rows[key] = row
        if isKeyed, tables[table].role == .endpoints { owned[key] = owner(table, row) }
    }

    private func key(_ table: Int, _ row: [RowView.Value]) -> String {
        let values = tables[table].key.compactMap { tables[table].index(of: $0) }.map { place in
            if case .text(let text) = row[place] { return MemoryStore.key(text) }
            return "\(row[place])"
        }
        return tables[table].name + "/" + values.joined(separator: "/")
    }

    private func hasUsers(_ batch: Batch) -> Bool {
        zip(tables, batch.tables).contains { $0.role == .users && !$1.isEmpty }
    }

    /// An endpoint's effective date; one without a date is the oldest.
    private func date(_ table: Int, _ row: [RowView.Value]) -> String {
        guard let place = tables[table].index(of: "effective_date"), case .time(let text) = row[place] else {
            return ""
        }
        return text
    }

    private func text(_ column: String, _ entry: Entry) -> String? {
        guard let place = tables[entry.table].index(of: column), case .text(let text) = entry.row[place] else {
            return nil
        }
        return text
    }

    // MARK: Refusals

    private mutating func refuse(_ entries: [Entry], ordinal: Int64, shard: Int, _ observed: inout RunCounts) {
        observed.refused += 1
        for entry in entries {
            observed.rows[tables[entry.table].name, default: 0] -= 1
            for part in entry.parts { observed.rows[tables[part.table].name, default: 0] -= 1 }
            if tables[entry.table].role == .endpoints { observed.endpoints -= 1 }
        }
        guard let table = tables.firstIndex(where: { $0.role == .failures }) else { return }
        observed.rows[tables[table].name, default: 0] += 1
        let row: [RowView.Value] = tables[table].columns.map { column in
            switch column.name {
            case "run_id": .text(runID)
            case "shard": .integer(Int64(shard))
            case "ordinal": .integer(ordinal)
            case "code": .text("RefusedBySink")
            default: .null
            }
        }
        write(table, row)
    }
}

extension RowView {
    /// A text that equals another one with the same bytes alone.
    struct Text: Hashable {
        var bytes: [UInt8]
        init(_ text: String) { bytes = Array(text.utf8) }
    }
}
