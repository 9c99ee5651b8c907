internal import PipelineCore
internal import SQLStore

/// The rows of one batch that are to be written, its repeated keys resolved as if its records came one after the other.
struct BatchMerge {
    private(set) var plan: MergePlan
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
        plan = MergePlan(places, users: userRows, endpoints: endpointRows, conflict: conflict)
    }

    /// Endpoints that their users have no longer by the end of the batch.
    var hasOutdated: Bool { plan.fates.contains(.outdated) }

    /// The rows of users to write, in about the order of their keys.
    func users() -> [Int] {
        guard let users = places.users else { return [] }
        return userRows.order(by: users.id).filter { plan.writes(user: $0, userRows, of: users) }
    }

    /// Endpoints to write.
    var endpointCount: Int { plan.fates.indices.count(where: plan.writes) }

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
        plan.applyTombstones(tombstones, places, endpoints: endpointRows)
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
