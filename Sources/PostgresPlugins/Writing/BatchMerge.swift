internal import PipelineCore

/// The rows of one batch that are to be written, its repeated keys resolved as if its records came one after the other.
struct BatchMerge {
    private(set) var plan = MergePlan()
    private let endpointRows: RowsInPlace
    private let userRows: RowsInPlace
    private let places: LayoutPlaces

    /// - Parameters: rows that stay in place for as long as this value is used.
    init(
        _ places: LayoutPlaces, users userRows: RowsInPlace, endpoints endpointRows: RowsInPlace,
        conflict: ConflictPolicy
    ) {
        self.places = places
        self.userRows = userRows
        self.endpointRows = endpointRows
        if let users = places.users {
            plan.add(users: userRows, application: users.application, id: users.id)
        }
        guard let endpoints = places.endpoints else { return }
        if conflict == .newest, userRows.count == 0, let date = endpoints.definition.dateColumn {
            plan.add(newestOf: endpointRows, application: endpoints.application, id: endpoints.id, date: date)
        } else {
            plan.add(endpoints: endpointRows, application: endpoints.application, id: endpoints.id)
        }
        if plan.repeatsUsers, let user = endpoints.definition.index(of: "user_id"),
            let ordinal = endpoints.definition.index(of: "ordinal"),
            let userOrdinal = places.users?.definition.index(of: "ordinal")
        {
            plan.dropOutdated(endpointRows, application: endpoints.application, user: user) { row, userRow in
                endpointRows.cell(row, ordinal).integer < userRows.cell(userRow, userOrdinal).integer
            }
        }
    }

    /// Endpoints that their users have no longer by the end of the batch.
    var hasOutdated: Bool { plan.fates.contains(.outdated) }

    /// The rows of users to write, in about the order of their keys.
    func users() -> [Int] {
        guard let users = places.users else { return [] }
        let rows = userRows.order(by: users.id)
        guard plan.repeatsUsers else { return rows }
        return rows.filter { row in
            plan.users[
                KeyInPlace(
                    application: userRows.bytes(row, users.application), id: userRows.bytes(row, users.id))] == row
        }
    }

    func endpoints() -> [Int] {
        guard let endpoints = places.endpoints else { return [] }
        let rows = endpointRows.order(by: endpoints.id)
        return plan.dropsEndpoints ? rows.filter(plan.writes) : rows
    }

    /// Leaves out an endpoint that is stored with a newer date.
    mutating func giveWay(_ key: KeyInPlace) {
        if let row = plan.endpoints[key] { plan.giveWay(row) }
    }

    /// Leaves out what filters have taken out of the input, and gives the rows whose keys the store is to lose.
    mutating func applyTombstones(_ tombstones: RowsInPlace) -> [Int] {
        guard let endpoints = places.endpoints?.definition, let ordinal = endpoints.index(of: "ordinal") else {
            return []
        }
        return plan.applyTombstones(tombstones, from: endpointRows, ordinal: ordinal, date: endpoints.dateColumn)
    }

    func outdated() -> [Int] { plan.fates.indices.filter { plan.fates[$0] == .outdated } }

    /// The rows of one table of parts; those of dropped endpoints are left out.
    func parts(_ rows: RowsInPlace, of part: LayoutPlaces.Place, groupEnds: [Int]) throws -> [Int] {
        let order = rows.order(by: part.id)
        guard plan.dropsEndpoints else { return order }
        let owners = try PartOwners(rows, of: part.definition, groupEnds: groupEnds, endpointRows, plan)
        return order.filter(owners.isKept)
    }
}

/// Where a layout's tables stand in a batch, and their keys in the tables.
struct LayoutPlaces {
    struct Place {
        let definition: TableDefinition
        /// The place of the table's rows in a batch.
        let index: Int
        /// The places of (application_id, user_id) or (application_id, endpoint_id).
        let application: Int
        let id: Int

        func name(_ column: Int) -> String { definition.columns[column].name }
    }

    let all: [Place]
    let users: Place?
    let endpoints: Place?
    let parts: [Place]
    let failures: Place?

    init(_ definitions: [TableDefinition]) {
        all = definitions.enumerated().map { index, definition in
            let (application, id) = definition.ownerColumns
            return Place(definition: definition, index: index, application: application, id: id)
        }
        users = all.first { $0.definition.role == .users }
        endpoints = all.first { $0.definition.role == .endpoints }
        parts = all.filter { $0.definition.role == .endpointParts }
        failures = all.first { $0.definition.role == .failures }
    }

    /// Whether a batch is of this layout.
    func fits(_ batch: Batch) -> Bool {
        batch.tables.count == all.count
            && zip(batch.tables, all).allSatisfy { $0.columnCount == $1.definition.columns.count }
    }
}
