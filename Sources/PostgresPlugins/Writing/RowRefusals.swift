internal import PipelineCore

/// The records of a batch that the server refuses because of their content.
struct RowRefusals {
    private let batch: Batch
    private let places: LayoutPlaces
    /// All of the batch's records that have rows, in order.
    private let ordinals: [Int64]
    private(set) var refused: [Int64: PostgresFailure] = [:]

    init(_ batch: Batch, _ places: LayoutPlaces) {
        self.batch = batch
        self.places = places
        var ordinals: Set<Int64> = []
        for place in [places.users, places.endpoints].compactMap({ $0 }) {
            ordinals.formUnion(batch.ordinals(place))
        }
        self.ordinals = ordinals.sorted()
    }

    /// Whether each row says which record it comes from.
    var canTellRecordsApart: Bool {
        [places.users, places.endpoints].compactMap { $0 }.allSatisfy { $0.definition.index(of: "ordinal") != nil }
            && !ordinals.isEmpty
    }

    var accepted: Set<Int64> { Set(ordinals.filter { refused[$0] == nil }) }

    mutating func forget() { refused = [:] }

    /// Writes the batch in halves of halves, in order, until each record that is refused stands alone.
    ///
    /// - Parameter write: writes some of the records, or throws and has written nothing.
    mutating func search(_ write: (Set<Int64>) throws -> SinkObservations) throws -> SinkObservations {
        var observed = SinkObservations()
        // The whole batch was refused, so it isn't tried again.
        try search(ordinals[...], isRefused: true, write, &observed)
        return observed
    }

    private mutating func search(
        _ part: ArraySlice<Int64>, isRefused: Bool, _ write: (Set<Int64>) throws -> SinkObservations,
        _ observed: inout SinkObservations
    ) throws {
        guard let first = part.first else { return }
        if !isRefused || part.count == 1 {
            do {
                let part = try write(Set(part))
                observed.removed += part.removed
                observed.previousEndpoints += part.previousEndpoints
                observed.superseded += part.superseded
                return
            } catch let failure as PostgresFailure where failure.isAboutRows {
                if part.count == 1 {
                    refused[first] = failure
                    return
                }
            }
        }
        let middle = part.startIndex + part.count / 2
        let before = refused.count
        try search(part[..<middle], isRefused: false, write, &observed)
        // A part that is refused, though its first half isn't, is refused because of the second.
        try search(part[middle...], isRefused: refused.count == before, write, &observed)
    }

    // MARK: What becomes of them

    /// Notes what the refused records change in the batch's counts.
    func account(in observed: inout SinkObservations) {
        let left = batch.only(accepted, places)
        observed.refused += refused.count
        for place in places.all where place.definition.role != .failures {
            let missing = left.tables[place.index].rowCount - batch.tables[place.index].rowCount
            if missing != 0 { observed.rowCorrections[place.definition.name, default: 0] += missing }
            if place.definition.role == .endpoints { observed.endpointCorrection += missing }
        }
        if let failures = places.failures, !refused.isEmpty {
            observed.rowCorrections[failures.definition.name, default: 0] += refused.count
        }
    }

    /// The batch's own rows of `failures`, and one for each refused record.
    func failureRows(added rows: RowBuffer, run: RunRecord, shard: Int) -> RowBuffer {
        var rows = rows
        guard let place = places.failures else { return rows }
        for (ordinal, failure) in refused.sorted(by: { $0.key < $1.key }) {
            let userID = batch.userID(of: ordinal, places)
            for column in place.definition.columns {
                let cell: Cell =
                    switch column.name {
                    case "run_id": rows.store(.text, run.runID)
                    case "shard": .integer(Int64(shard))
                    case "ordinal": .integer(ordinal)
                    case "user_id": userID.map { rows.store(.text, $0) } ?? .null
                    case "code": rows.store(.text, "RefusedBySink")
                    case "message": rows.store(.text, failure.text)
                    case "attempts": .integer(0)
                    case "logical_date": rows.store(.time, run.logicalDate)
                    default: .null
                    }
                rows.append(cell)
            }
        }
        return rows
    }
}

extension Batch {
    fileprivate func ordinals(_ place: LayoutPlaces.Place) -> [Int64] {
        guard let column = place.definition.index(of: "ordinal") else { return [] }
        let rows = tables[place.index]
        return (0..<rows.rowCount).map { rows.cells[$0 * rows.columnCount + column].integer }
    }

    fileprivate func userID(of ordinal: Int64, _ places: LayoutPlaces) -> String? {
        for place in [places.users, places.endpoints].compactMap({ $0 }) {
            guard let column = place.definition.index(of: "user_id"),
                let row = ordinals(place).firstIndex(of: ordinal)
            else { continue }
            let rows = tables[place.index]
            let cell = rows.cells[row * rows.columnCount + column]
            guard cell.kind == .text else { continue }
            return String(decoding: rows.arena[Int(cell.bits)..<Int(cell.bits) + Int(cell.length)], as: UTF8.self)
        }
        return nil
    }

    /// The rows of some of the records; `failures`, which hold none of these, stay out.
    func only(_ chosen: Set<Int64>, _ places: LayoutPlaces) -> Batch {
        var result = self
        let endpoints = places.endpoints.map { ordinals($0).map(chosen.contains) } ?? []
        for place in places.all {
            switch place.definition.role {
            case .users: result.tables[place.index] = tables[place.index].only(ordinals(place).map(chosen.contains))
            case .endpoints: result.tables[place.index] = tables[place.index].only(endpoints)
            case .endpointParts:
                result.tables[place.index] = partsOnly(place, endpoints, of: places.endpoints)
            case .failures: result.tables[place.index] = RowBuffer(columnCount: place.definition.columns.count)
            }
        }
        return result
    }

    private func partsOnly(
        _ place: LayoutPlaces.Place, _ chosen: [Bool], of endpoints: LayoutPlaces.Place?
    ) -> RowBuffer {
        let rows = tables[place.index]
        let ends = rows.groupEnds.count == chosen.count ? rows.groupEnds : groupEnds(of: place, endpoints)
        var isKept = [Bool](repeating: false, count: rows.rowCount)
        var keptEnds: [Int] = []
        var row = 0
        var kept = 0
        for (end, isChosen) in zip(ends, chosen) {
            if isChosen {
                kept += max(0, end - row)
                keptEnds.append(kept)
            }
            while row < end {
                isKept[row] = isChosen
                row += 1
            }
        }
        return rows.only(isKept, groupEnds: keptEnds)
    }

    /// Where nobody said which parts belong to which endpoint: they follow the order of their endpoints.
    private func groupEnds(of place: LayoutPlaces.Place, _ endpoints: LayoutPlaces.Place?) -> [Int] {
        guard let endpoints else { return [] }
        let rows = tables[place.index]
        let owners = tables[endpoints.index]
        var ends: [Int] = []
        var row = 0
        for owner in 0..<owners.rowCount {
            while row < rows.rowCount,
                rows.bytes(row, place.application).elementsEqual(owners.bytes(owner, endpoints.application)),
                rows.bytes(row, place.id).elementsEqual(owners.bytes(owner, endpoints.id))
            {
                row += 1
            }
            ends.append(row)
        }
        return ends
    }
}

extension RowBuffer {
    fileprivate func bytes(_ row: Int, _ column: Int) -> ArraySlice<UInt8> {
        let cell = cells[row * columnCount + column]
        return cell.length == 0 ? [] : arena[Int(cell.bits)..<Int(cell.bits) + Int(cell.length)]
    }

    fileprivate func only(_ isKept: [Bool], groupEnds: [Int] = []) -> RowBuffer {
        var result = RowBuffer(columnCount: columnCount)
        var ends = groupEnds[...]
        func endGroups(_ result: inout RowBuffer) {
            while ends.first == result.rowCount {
                result.endGroup()
                ends.removeFirst()
            }
        }
        endGroups(&result)
        for row in 0..<rowCount where isKept[row] {
            for column in 0..<columnCount {
                let cell = cells[row * columnCount + column]
                switch cell.kind {
                case .null, .integer, .real: result.append(cell)
                case .text, .json, .time:
                    let stored = bytes(row, column).withUnsafeBytes { result.store(cell.kind, $0) }
                    result.append(stored)
                }
            }
            endGroups(&result)
        }
        return result
    }
}
