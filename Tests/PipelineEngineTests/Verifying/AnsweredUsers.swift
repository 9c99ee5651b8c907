import Flattening
import PipelineCore

/// Answers about users, one after the other, as rows of a store without keys, and as those that a store with keys ends with.
///
/// The second is kept record by record in dictionaries: nothing of it is the comparison's own.
struct AnsweredUsers {
    struct Endpoint {
        var id: String
        var date: String?
        var attributes: [(name: String, values: [String])]
    }

    private let runID: String
    private(set) var written: [String: [ListStore.Row]] = [:]
    private var users: [String: ListStore.Row] = [:]
    private var endpoints: [String: (user: String, row: ListStore.Row, parts: [ListStore.Row])] = [:]
    private var ordinal = 0
    private static let layout = Layout.normalized()

    init(runID: String) { self.runID = runID }

    mutating func answer(_ user: String, _ found: [Endpoint]) {
        let row = row("users", ["user_id": .text(user), "endpoint_count": .integer(Int64(found.count))])
        written["users", default: []].append(row)
        users[user] = row
        endpoints = endpoints.filter { $0.value.user != user }
        for endpoint in found { write(endpoint, of: user) }
        ordinal += 1
    }

    /// An archive's line, which nobody asked for by its user.
    mutating func line(_ endpoint: Endpoint, of user: String, conflict: ConflictPolicy) {
        let isOlder = endpoints[endpoint.id].map { date($0.row) > endpoint.date ?? "" } ?? false
        write(endpoint, of: user, isKept: conflict == .last || !isOlder)
        ordinal += 1
    }

    private mutating func write(_ endpoint: Endpoint, of user: String, isKept: Bool = true) {
        let row = row(
            "endpoints",
            [
                "endpoint_id": .text(endpoint.id), "user_id": .text(user),
                "effective_date": endpoint.date.map { .time($0) } ?? .null, "extra": .json("{}"),
                "location_latitude": .number(Double(ordinal) / 8),
            ])
        let parts = endpoint.attributes.flatMap { name, values in
            values.enumerated().map { position, value in
                self.row(
                    "endpoint_attributes",
                    [
                        "endpoint_id": .text(endpoint.id), "name": .text(name), "position": .integer(Int64(position)),
                        "value": .text(value),
                    ])
            }
        }
        written["endpoints", default: []].append(row)
        written["endpoint_attributes", default: []] += parts
        if isKept { endpoints[endpoint.id] = (user, row, parts) }
    }

    private func date(_ row: ListStore.Row) -> String {
        guard let column = Self.definition("endpoints").index(of: "effective_date"), case .time(let date) = row[column]
        else { return "" }
        return date
    }

    /// What is left, in any order.
    var kept: [String: [ListStore.Row]] {
        [
            "users": Array(users.values), "endpoints": endpoints.values.map(\.row),
            "endpoint_attributes": endpoints.values.flatMap(\.parts),
        ]
    }

    static func definition(_ table: String) -> TableDefinition {
        layout.tables.first { $0.name == table } ?? layout.tables[0]
    }

    private func row(_ table: String, _ values: [String: RowView.Value]) -> ListStore.Row {
        var values = values
        values["application_id"] = .text("app")
        values["ordinal"] = .integer(Int64(ordinal))
        values["run_id"] = .text(runID)
        return Self.definition(table).columns.map { values[$0.name] ?? .null }
    }
}
