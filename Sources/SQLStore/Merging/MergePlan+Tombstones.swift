public import PipelineCore

extension MergePlan {
    /// Takes the endpoints that filters have taken out of the batch, as if each were a row without content.
    ///
    /// A row of the batch with such a key isn't written where the withdrawal comes later, or, where dates decide, is newer.
    ///
    /// - Parameters:
    ///   - tombstones: rows with the columns of `Tombstones`.
    ///   - rows: the endpoints table's rows, which this plan was made of.
    /// - Returns: The tombstones whose keys the store is to have no longer, one for each key.
    public mutating func applyTombstones(
        _ tombstones: RowsInPlace, _ places: LayoutPlaces, endpoints rows: RowsInPlace
    ) -> [Int] {
        guard let table = places.endpoints?.definition, let ordinal = table.index(of: "ordinal") else { return [] }
        var last: [KeyInPlace: Int] = [:]
        for row in 0..<tombstones.count {
            let key = KeyInPlace(
                application: tombstones.bytes(row, Tombstones.applicationID),
                id: tombstones.bytes(row, Tombstones.endpointID))
            let other = last[key]
            if prefersNewest, let other,
                tombstones.bytes(row, Tombstones.effectiveDate).isEarlier(
                    than: tombstones.bytes(other, Tombstones.effectiveDate))
            {
                continue
            }
            last[key] = row
        }
        var result: [Int] = []
        for (key, row) in last {
            guard let standing = endpoints[key] else {
                result.append(row)
                continue
            }
            var isLater =
                tombstones.cell(row, Tombstones.ordinal).integer > rows.cell(standing, ordinal).integer
            if prefersNewest, let date = table.dateColumn {
                let own = tombstones.bytes(row, Tombstones.effectiveDate)
                let other = rows.bytes(standing, date)
                if own.isEarlier(than: other) { isLater = false }
                if other.isEarlier(than: own) { isLater = true }
            }
            guard isLater else { continue }
            if writes(standing) { supersede(standing) }
            result.append(row)
        }
        return result.sorted()
    }
}
