public import PipelineCore

/// What a batch's rows come to once its repeated keys are resolved, as if its records were merged one after the other.
public struct MergePlan {
    /// What becomes of an endpoint's row.
    public enum Fate: UInt8 {
        /// It is written; whether the store has the endpoint isn't known yet.
        case write
        /// It is written over an endpoint that is known to be stored.
        case replaceStored
        /// Another row of the batch has its key and counts.
        case replaced
        /// The store has its endpoint with a newer date, or from a record of the same run further on.
        case older
        /// It is its key's last row, but its user was fetched once more, later in the batch, and didn't have it any more.
        case outdated
    }

    /// The last row of each user that the batch has fetched.
    public private(set) var users: [KeyInPlace: Int] = [:]
    /// The row that counts of each endpoint of the batch: the last one, or the newest.
    public private(set) var endpoints: [KeyInPlace: Int] = [:]
    /// By endpoint row.
    public var fates: [Fate] = []
    /// Rows that aren't written because of others, of the batch or the store.
    public private(set) var superseded = 0
    private(set) var repeatsUsers = false
    /// Whether the date of endpoints decides which of two counts, and not their order.
    public private(set) var prefersNewest = false
    /// Whether an endpoint stays that the same run has stored from a record further on, where dates don't decide: the records
    /// are an archive's, whose shards commit in any order.
    public private(set) var comparesOrdinals = false

    /// Plans what becomes of a batch's rows.
    ///
    /// Dates decide which of two endpoints counts where `conflict` is `.newest`, the batch has no users, and the layout has
    /// a date; else it is the later one.
    ///
    /// - Parameters:
    ///   - users, endpoints: the two tables' rows, empty where the layout has no such table. They must stay in place for as
    ///     long as the plan is used.
    public init(
        _ places: LayoutPlaces, users userRows: RowsInPlace, endpoints rows: RowsInPlace, conflict: ConflictPolicy
    ) {
        if let users = places.users { add(users: userRows, of: users) }
        guard let endpoints = places.endpoints else { return }
        let definition = endpoints.definition
        comparesOrdinals =
            userRows.count == 0 && definition.index(of: "ordinal") != nil && definition.index(of: "run_id") != nil
        if conflict == .newest, userRows.count == 0, let date = definition.dateColumn {
            add(newestOf: rows, of: endpoints, date: date)
        } else {
            add(endpoints: rows, of: endpoints)
        }
        if repeatsUsers, let user = definition.index(of: "user_id"), let ordinal = definition.index(of: "ordinal"),
            let userOrdinal = places.users?.definition.index(of: "ordinal")
        {
            dropOutdated(rows, application: endpoints.application, user: user) { row, userRow in
                rows.cell(row, ordinal).integer < userRows.cell(userRow, userOrdinal).integer
            }
        }
    }

    /// Takes the users table's rows.
    private mutating func add(users rows: RowsInPlace, of place: LayoutPlaces.Place) {
        users.reserveCapacity(rows.count)
        for row in 0..<rows.count {
            let key = place.key(rows, row)
            if users.updateValue(row, forKey: key) != nil { repeatsUsers = true }
        }
    }

    /// Takes the endpoints table's rows.
    private mutating func add(endpoints rows: RowsInPlace, of place: LayoutPlaces.Place) {
        fates = [Fate](repeating: .write, count: rows.count)
        endpoints.reserveCapacity(rows.count)
        for row in 0..<rows.count {
            let key = place.key(rows, row)
            if let earlier = endpoints.updateValue(row, forKey: key) {
                fates[earlier] = .replaced
                superseded += 1
            }
        }
    }

    /// Takes the endpoints table's rows where the newest one of a key counts, and of equally new ones the last.
    ///
    /// - Parameter date: the column whose time tells which is newer; a row without one is older than any with one.
    private mutating func add(newestOf rows: RowsInPlace, of place: LayoutPlaces.Place, date: Int) {
        prefersNewest = true
        fates = [Fate](repeating: .write, count: rows.count)
        endpoints.reserveCapacity(rows.count)
        for row in 0..<rows.count {
            let key = place.key(rows, row)
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

    /// Notes that the store has an endpoint that counts against its row in the batch.
    public mutating func giveWay(_ row: Int) {
        guard writes(row) else { return }
        fates[row] = .older
        superseded += 1
    }

    /// Drops the endpoints that a user's later answer in the same batch doesn't have any more.
    ///
    /// - Parameters:
    ///   - isOlder: whether an endpoint's row comes from an earlier record than a user's row.
    private mutating func dropOutdated(
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
    public var dropsEndpoints: Bool { superseded > 0 }

    /// Whether a user's row is written: it is the last one of its user.
    public func writes(user row: Int, _ rows: RowsInPlace, of place: LayoutPlaces.Place) -> Bool {
        !repeatsUsers || users[place.key(rows, row)] == row
    }

    /// Whether an endpoint's row is written.
    @inlinable
    public func writes(_ row: Int) -> Bool { fates[row] == .write || fates[row] == .replaceStored }
}
