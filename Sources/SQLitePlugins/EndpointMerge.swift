internal import PipelineCore
internal import SQLStore

/// The merge of one batch's endpoints and their parts.
struct EndpointMerge {
    let endpoints: EndpointStatements
    let parts: [PartStatements]
    let removals: RemovalStatements?
    let run: RunRecord
    /// What the store was seen to have, rows of the batch that others of the batch stand for aside.
    private(set) var observed: RunCounts
    /// Whether the last endpoint was in the store: most are, or most aren't.
    private var expectsStored = false

    init(
        endpoints: EndpointStatements, parts: [PartStatements], removals: RemovalStatements?, run: RunRecord
    ) {
        self.endpoints = endpoints
        self.parts = parts
        self.removals = removals
        self.run = run
        observed = RunCounts()
        observed.changes = EndpointChanges()
    }

    private var table: TableWriter { endpoints.writer }

    /// Deletes what the batch's users have in the store and no longer in the batch, and marks in the plan what the batch
    /// replaces.
    mutating func removeStale(_ users: TableWriter, _ userRows: RowsInPlace, _ plan: inout MergePlan) throws {
        guard let ofUser = endpoints.ofUser else { return }
        let status = users.definition.index(of: "status")
        // IDs to delete, one after the other: the statement that finds them must end first.
        var stale: [UInt8] = []
        var ends: [Int] = []
        for row in 0..<userRows.count {
            let user = KeyInPlace(
                application: userRows.bytes(row, users.application), id: userRows.bytes(row, users.id))
            guard plan.users[user] == row, try endpoints.mayHave(user) else { continue }
            stale.removeAll(keepingCapacity: true)
            ends.removeAll(keepingCapacity: true)
            try ofUser.bindInPlace(1, user.application)
            try ofUser.bindInPlace(2, user.id)
            while try ofUser.step() {
                let isOfThisRun = endpoints.isOfRun(ofUser.bytes(1))
                if !isOfThisRun { observed.previousEndpoints += 1 }
                let id = ofUser.bytes(0)
                if let row = plan.endpoints[KeyInPlace(application: user.application, id: id)], plan.writes(row) {
                    plan.fates[row] = .replaceStored
                } else {
                    if isOfThisRun { withdraw(isChanged: endpoints.isDateOfRun(ofUser.bytes(2))) }
                    if !isOfThisRun { observed.removed += 1 }
                    stale.append(contentsOf: id)
                    ends.append(stale.count)
                }
            }
            ofUser.reset()
            let isAbsent = status.map { userRows.bytes(row, $0).elementsEqual("absent".utf8) } ?? false
            try stale.withUnsafeBytes { bytes in
                var start = 0
                for end in ends {
                    let id = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                    let key = KeyInPlace(application: user.application, id: id)
                    try removals?.note(key, user: .bytes(.text, user.id), isAbsent ? .absent : .gone)
                    try delete(key)
                    start = end
                }
            }
        }
    }

    /// Counts an endpoint of this run that goes again.
    private mutating func withdraw(isChanged: Bool) {
        observed.superseded += 1
        observed.changes? += .observed(withdrawn: isChanged ? (added: 1, unchanged: 0) : (added: 0, unchanged: 1))
    }

    /// Writes the endpoints' rows, and compares the parts of those that are stored already; what the batch lacks of them
    /// goes. Rows that give way to what is stored are marked in the plan.
    mutating func write(
        _ rows: RowsInPlace, _ plan: inout MergePlan, _ comparisons: inout [PartComparison]
    ) throws {
        for row in rows.order(by: table.id) {
            switch plan.fates[row] {
            case .replaced, .older: continue
            case .write:
                if !expectsStored, try insert(rows, row) { continue }
                expectsStored = try merge(rows, row, &plan, &comparisons)
                if !expectsStored { _ = try insert(rows, row) }
            case .replaceStored: _ = try merge(rows, row, &plan, &comparisons)
            case .outdated:
                // Record by record it would have been written, perhaps over another user's, and then been removed.
                let key = key(rows, row)
                guard let stored = try endpoints.find(key) else { continue }
                let user = stored.user
                try removals?.note(key, user: user, .gone)
                endpoints.endFinding()
                try delete(key)
            }
        }
    }

    /// Writes an endpoint's row unless it is stored; false where it is.
    private mutating func insert(_ rows: RowsInPlace, _ row: Int) throws -> Bool {
        guard try table.insert(rows, row) else { return false }
        observed.changes? += .observed(added: 1)
        let user = table.definition.index(of: "user_id").map { (rows.cell(row, $0), rows.arena) }
        try removals?.takeBack(key(rows, row), user: user)
        return true
    }

    /// Brings a stored endpoint up to date; false where it isn't stored.
    private mutating func merge(
        _ rows: RowsInPlace, _ row: Int, _ plan: inout MergePlan, _ comparisons: inout [PartComparison]
    ) throws -> Bool {
        let key = key(rows, row)
        guard let stored = try endpoints.find(key) else { return false }
        defer { endpoints.endFinding() }
        if isSuperseded(row, of: rows, by: stored, plan) {
            plan.giveWay(row)
            return true
        }
        var isSame = endpoints.isSame(rows, row)
        let (isOfRun, isChanged) = (stored.isOfRun, stored.isChanged)
        if let user = table.definition.index(of: "user_id"), removals != nil,
            stored.user?.isSame(as: rows.cell(row, user), in: rows.arena) == false
        {
            try removals?.note(key, user: stored.user, .moved)
        }
        endpoints.endFinding()
        for (number, part) in parts.enumerated() where try part.compare(row, key, &comparisons[number]) {
            isSame = false
        }
        if isSame { try endpoints.writeSeen(rows, row) } else { try table.update(rows, row) }
        if isOfRun {
            observed.superseded += 1
            if !isSame, !isChanged { observed.changes? += .observed(changedAgain: 1) }
        } else {
            observed.changes? += isSame ? .observed(unchanged: 1) : .observed(changed: 1)
        }
        return true
    }

    /// Whether a batch's row is older than what is stored of its endpoint, or stands earlier in the same run.
    private func isSuperseded(
        _ row: Int, of rows: RowsInPlace, by stored: EndpointStatements.Stored, _ plan: MergePlan
    ) -> Bool {
        if plan.prefersNewest, let date = endpoints.date {
            if rows.bytes(row, date).isEarlier(than: stored.date) { return true }
            if stored.date.isEarlier(than: rows.bytes(row, date)) { return false }
        }
        guard plan.comparesOrdinals, stored.isOfRun, let ordinal = endpoints.ordinal else { return false }
        return stored.ordinal > rows.cell(row, ordinal).integer
    }

    /// Deletes the endpoint that a filter has taken out of the input, unless what is stored of it is newer.
    mutating func remove(tombstones rows: RowsInPlace, _ row: Int, prefersNewest: Bool) throws {
        let key = KeyInPlace(
            application: rows.bytes(row, Tombstones.applicationID), id: rows.bytes(row, Tombstones.endpointID))
        guard let stored = try endpoints.find(key) else { return }
        defer { endpoints.endFinding() }
        if prefersNewest, endpoints.date != nil, rows.bytes(row, Tombstones.effectiveDate).isEarlier(than: stored.date)
        {
            return
        }
        if stored.isOfRun { withdraw(isChanged: stored.isChanged) } else { observed.removed += 1 }
        try removals?.note(key, user: stored.user, .filtered)
        endpoints.endFinding()
        try delete(key)
    }

    private func key(_ rows: RowsInPlace, _ row: Int) -> KeyInPlace {
        KeyInPlace(application: rows.bytes(row, table.application), id: rows.bytes(row, table.id))
    }

    private func delete(_ key: KeyInPlace) throws {
        for part in parts { try part.writer.delete(key) }
        try table.delete(key)
    }
}
