internal import PipelineCore
internal import SQLStore

/// The merge of one batch's endpoints and their parts.
struct EndpointMerge {
    let endpoints: EndpointStatements
    let parts: [TableWriter]
    let connection: SQLiteConnection
    let runID: String

    private var table: TableWriter { endpoints.writer }

    /// Deletes what the batch's users have in the store and no longer in the batch, and marks in the plan what the batch
    /// replaces.
    func removeStale(
        _ users: TableWriter, _ userRows: RowsInPlace, _ plan: inout MergePlan, _ observed: inout RunCounts
    ) throws {
        guard let ofUser = endpoints.ofUser else { return }
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
                let isOfThisRun = isThisRun(ofUser.bytes(1))
                if !isOfThisRun { observed.previousEndpoints += 1 }
                let id = ofUser.bytes(0)
                if let row = plan.endpoints[KeyInPlace(application: user.application, id: id)], plan.writes(row) {
                    plan.fates[row] = .replaceStored
                    if isOfThisRun { observed.superseded += 1 }
                } else {
                    if isOfThisRun { observed.superseded += 1 } else { observed.removed += 1 }
                    stale.append(contentsOf: id)
                    ends.append(stale.count)
                }
            }
            ofUser.reset()
            try stale.withUnsafeBytes { bytes in
                var start = 0
                for end in ends {
                    let id = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                    try delete(KeyInPlace(application: user.application, id: id))
                    start = end
                }
            }
        }
    }

    /// Writes the endpoints' rows; the parts of those that are replaced go. Rows that give way to what is stored are marked
    /// in the plan.
    func write(_ rows: RowsInPlace, _ plan: inout MergePlan, _ observed: inout RunCounts) throws {
        for row in rows.order(by: table.id) {
            switch plan.fates[row] {
            case .replaced, .older: continue
            case .write:
                // Nearly always the endpoint is new, and then this is all.
                if try table.insert(rows, row) { continue }
                let key = key(rows, row)
                let date = plan.prefersNewest ? endpoints.date.map { rows.bytes(row, $0) } : nil
                switch try standing(key, against: date) {
                case .newer:
                    plan.giveWay(row)
                    continue
                case .ofThisRun: observed.superseded += 1
                case .ofAnotherRun, .absent: break
                }
                try deleteParts(key)
                try table.upsert(rows, row)
            case .replaceStored:
                try deleteParts(key(rows, row))
                try table.upsert(rows, row)
            case .outdated:
                // Record by record it would have been written, perhaps over another user's, and then been removed.
                try delete(key(rows, row))
            }
        }
    }

    /// Deletes the endpoint that a filter has taken out of the input, unless what is stored of it is newer.
    func remove(
        tombstones rows: RowsInPlace, _ row: Int, prefersNewest: Bool, _ observed: inout RunCounts
    ) throws {
        let key = KeyInPlace(
            application: rows.bytes(row, Tombstones.applicationID), id: rows.bytes(row, Tombstones.endpointID))
        let date = prefersNewest && endpoints.date != nil ? rows.bytes(row, Tombstones.effectiveDate) : nil
        switch try standing(key, against: date) {
        case .newer, .absent: return
        case .ofThisRun: observed.superseded += 1
        case .ofAnotherRun: observed.removed += 1
        }
        try delete(key)
    }

    /// Writes the rows of one table of parts, those of dropped endpoints left out.
    func write(
        _ rows: RowsInPlace, of part: TableWriter, groupEnds: [Int], _ endpointRows: RowsInPlace, _ plan: MergePlan
    ) throws {
        if !plan.dropsEndpoints {
            for row in rows.order(by: part.id) { try part.upsert(rows, row) }
            return
        }
        let owners = try PartOwners(rows, of: part.definition, groupEnds: groupEnds, endpointRows, plan)
        for row in rows.order(by: part.id) where owners.isKept(row) { try part.upsert(rows, row) }
    }

    private func key(_ rows: RowsInPlace, _ row: Int) -> KeyInPlace {
        KeyInPlace(application: rows.bytes(row, table.application), id: rows.bytes(row, table.id))
    }

    private func delete(_ key: KeyInPlace) throws {
        try deleteParts(key)
        try table.delete(key)
    }

    private func deleteParts(_ key: KeyInPlace) throws {
        for part in parts { try part.delete(key) }
    }

    private enum Standing {
        /// It has a later date than the row at hand, where that is what counts.
        case newer
        case ofThisRun
        case ofAnotherRun
        case absent
    }

    /// What the store has of an endpoint.
    ///
    /// - Parameter date: of the row at hand; nil where dates decide nothing.
    private func standing(_ key: KeyInPlace, against date: UnsafeRawBufferPointer?) throws -> Standing {
        let stored = endpoints.stored
        try stored.bindInPlace(1, key.application)
        try stored.bindInPlace(2, key.id)
        defer { stored.reset() }
        guard try stored.step() else { return .absent }
        if let date, date.isEarlier(than: stored.bytes(1)) { return .newer }
        return isThisRun(stored.bytes(0)) ? .ofThisRun : .ofAnotherRun
    }

    private func isThisRun(_ stored: UnsafeRawBufferPointer) -> Bool {
        stored.count == runID.utf8.count && stored.elementsEqual(runID.utf8)
    }
}
