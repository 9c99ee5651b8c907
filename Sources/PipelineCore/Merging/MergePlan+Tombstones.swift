extension MergePlan {
    /// Takes the endpoints that filters have taken out of the batch, as if each were a row without content.
    ///
    /// A row of the batch with such a key isn't written where the withdrawal comes later, or, where dates decide, is newer.
    ///
    /// - Parameters:
    ///   - endpoints: the endpoints table's rows, which this plan has taken already.
    ///   - ordinal: the place of their ordinals.
    ///   - date: the place of their dates; nil in a layout without them.
    /// - Returns: The tombstones whose keys the store is to have no longer, one for each key.
    package mutating func applyTombstones(
        _ tombstones: RowsInPlace, from endpoints: RowsInPlace, ordinal: Int, date: Int?
    ) -> [Int] {
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
            guard let standing = self.endpoints[key] else {
                result.append(row)
                continue
            }
            var isLater =
                tombstones.cell(row, Tombstones.ordinal).integer > endpoints.cell(standing, ordinal).integer
            if prefersNewest, let date {
                let own = tombstones.bytes(row, Tombstones.effectiveDate)
                let other = endpoints.bytes(standing, date)
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
