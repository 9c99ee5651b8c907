#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Two texts that stay where they are: (application_id, user_id) or (application_id, endpoint_id) in an arena.
///
/// Valid for as long as the bytes it points to.
package struct KeyInPlace: Hashable {
    package var application: UnsafeRawBufferPointer
    package var id: UnsafeRawBufferPointer

    package init(application: UnsafeRawBufferPointer, id: UnsafeRawBufferPointer) {
        self.application = application
        self.id = id
    }

    package static func == (left: Self, right: Self) -> Bool {
        // The IDs first: the application is the same for nearly all.
        left.id.hasSameBytes(as: right.id) && left.application.hasSameBytes(as: right.application)
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(bytes: id) }
}

extension UnsafeRawBufferPointer {
    package func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        guard count > 0, let start = baseAddress, let otherStart = other.baseAddress else { return true }
        return memcmp(start, otherStart, count) == 0
    }

    /// Whether a time is earlier than another one; no bytes stand for none, which is earlier than any.
    ///
    /// Times are UTC text of one form, so they have the order of their bytes.
    package func isEarlier(than other: UnsafeRawBufferPointer) -> Bool {
        let common = Swift.min(count, other.count)
        if common > 0, let start = baseAddress, let otherStart = other.baseAddress {
            let order = memcmp(start, otherStart, common)
            if order != 0 { return order < 0 }
        }
        return count < other.count
    }
}

/// What a batch's rows come to once its repeated keys are resolved, as if its records were merged one after the other.
package struct MergePlan {
    /// What becomes of an endpoint's row.
    package enum Fate: UInt8 {
        /// It is written; whether the store has the endpoint isn't known yet.
        case write
        /// It is written over an endpoint that is known to be stored.
        case replaceStored
        /// Another row of the batch has its key and counts.
        case replaced
        /// The store has its endpoint with a newer date.
        case older
        /// It is its key's last row, but its user was fetched once more, later in the batch, and didn't have it any more.
        case outdated
    }

    package init() {}

    /// The last row of each user that the batch has fetched.
    package private(set) var users: [KeyInPlace: Int] = [:]
    /// The row that counts of each endpoint of the batch: the last one, or the newest.
    package private(set) var endpoints: [KeyInPlace: Int] = [:]
    /// By endpoint row.
    package var fates: [Fate] = []
    /// Rows that aren't written because of others, of the batch or the store.
    package private(set) var superseded = 0
    package private(set) var repeatsUsers = false
    /// Whether the date of endpoints decides which of two counts, and not their order.
    package private(set) var prefersNewest = false

    /// Takes the users table's rows; key columns by their place.
    package mutating func add(users rows: RowsInPlace, application: Int, id: Int) {
        users.reserveCapacity(rows.count)
        for row in 0..<rows.count {
            let key = KeyInPlace(application: rows.bytes(row, application), id: rows.bytes(row, id))
            if users.updateValue(row, forKey: key) != nil { repeatsUsers = true }
        }
    }

    /// Takes the endpoints table's rows; key columns by their place.
    package mutating func add(endpoints rows: RowsInPlace, application: Int, id: Int) {
        fates = [Fate](repeating: .write, count: rows.count)
        endpoints.reserveCapacity(rows.count)
        for row in 0..<rows.count {
            let key = KeyInPlace(application: rows.bytes(row, application), id: rows.bytes(row, id))
            if let earlier = endpoints.updateValue(row, forKey: key) {
                fates[earlier] = .replaced
                superseded += 1
            }
        }
    }

    /// Takes the endpoints table's rows where the newest one of a key counts, and of equally new ones the last.
    ///
    /// - Parameter date: the column whose time tells which is newer; a row without one is older than any with one.
    package mutating func add(newestOf rows: RowsInPlace, application: Int, id: Int, date: Int) {
        prefersNewest = true
        fates = [Fate](repeating: .write, count: rows.count)
        endpoints.reserveCapacity(rows.count)
        for row in 0..<rows.count {
            let key = KeyInPlace(application: rows.bytes(row, application), id: rows.bytes(row, id))
            guard let other = endpoints.updateValue(row, forKey: key) else { continue }
            superseded += 1
            if rows.bytes(row, date).isEarlier(than: rows.bytes(other, date)) {
                fates[row] = .replaced
                endpoints[key] = other
            } else {
                fates[other] = .replaced
            }
        }
    }

    /// Leaves a row out because of something else in the batch.
    mutating func supersede(_ row: Int) {
        fates[row] = .replaced
        superseded += 1
    }

    /// Notes that the store has an endpoint that is newer than its row in the batch.
    package mutating func giveWay(_ row: Int) {
        guard writes(row) else { return }
        fates[row] = .older
        superseded += 1
    }

    /// Drops the endpoints that a user's later answer in the same batch doesn't have any more.
    ///
    /// - Parameters:
    ///   - isOlder: whether an endpoint's row comes from an earlier record than a user's row.
    package mutating func dropOutdated(
        _ rows: RowsInPlace, application: Int, user: Int, isOlder: (_ endpoint: Int, _ user: Int) -> Bool
    ) {
        for row in 0..<rows.count where fates[row] == .write {
            let key = KeyInPlace(application: rows.bytes(row, application), id: rows.bytes(row, user))
            if let userRow = users[key], isOlder(row, userRow) {
                fates[row] = .outdated
                superseded += 1
            }
        }
    }

    /// Whether rows of endpoints were dropped, so that their parts must be told apart.
    package var dropsEndpoints: Bool { superseded > 0 }

    /// Whether an endpoint's row is written.
    package func writes(_ row: Int) -> Bool { fates[row] == .write || fates[row] == .replaceStored }
}
