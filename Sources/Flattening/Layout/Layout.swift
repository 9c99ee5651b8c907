public import PipelineCore

/// Which tables the rows go to, and which columns these have.
public struct Layout: Sendable, Hashable {
    /// The tables in the order of a batch's buffers.
    public let tables: [TableDefinition]
    /// For mode `append`: each run's rows stand beside the earlier ones: `run_id` leads every key and is the last column of
    /// the tables whose rows belong to an endpoint.
    public let isKeyedByRun: Bool

    /// One table for endpoints and one for each of the maps that they carry.
    public static func normalized(mode: WriteMode = .merge) -> Layout {
        let isKeyedByRun = mode == .append
        return Layout(
            tables: [users, endpoints, attributes, metrics, userAttributes].map {
                isKeyedByRun ? $0.keyedByRun() : $0
            } + [failures], isKeyedByRun: isKeyedByRun)
    }

    /// Where each table of the normalized layout stands in `tables`.
    enum Place {
        static let users = 0
        static let endpoints = 1
        static let attributes = 2
        static let metrics = 3
        static let userAttributes = 4
        static let failures = 5
        static let count = 6
    }
}

extension TableDefinition {
    /// The same table where the rows of each run stand beside those of the others.
    fileprivate func keyedByRun() -> TableDefinition {
        var table = self
        table.key.insert("run_id", at: 0)
        if role == .endpointParts { table.columns.append(Column("run_id", .text)) }
        return table
    }
}

extension Layout {
    private static let users = TableDefinition(
        name: "users", role: .users,
        columns: [
            Column("application_id", .text), Column("user_id", .text), Column("status", .text),
            Column("endpoint_count", .integer), Column("ordinal", .integer), Column("run_id", .text),
            Column("logical_date", .time),
        ],
        key: ["application_id", "user_id"])

    private static let endpoints = TableDefinition(
        name: "endpoints", role: .endpoints,
        columns: EndpointColumn.allCases.map { Column($0.name, $0.type) } + [
            Column("extra", .json), Column("ordinal", .integer), Column("run_id", .text),
            Column("logical_date", .time),
        ],
        key: ["application_id", "endpoint_id"], indexes: [["application_id", "user_id"]])

    private static let attributes = TableDefinition(
        name: "endpoint_attributes", role: .endpointParts,
        columns: [
            Column("application_id", .text), Column("endpoint_id", .text), Column("name", .text),
            Column("position", .integer), Column("value", .text),
        ],
        key: ["application_id", "endpoint_id", "name", "position"])

    private static let metrics = TableDefinition(
        name: "endpoint_metrics", role: .endpointParts,
        columns: [
            Column("application_id", .text), Column("endpoint_id", .text), Column("name", .text),
            Column("value", .real),
        ],
        key: ["application_id", "endpoint_id", "name"])

    private static let userAttributes = TableDefinition(
        name: "endpoint_user_attributes", role: .endpointParts,
        columns: [
            Column("application_id", .text), Column("endpoint_id", .text), Column("user_id", .text),
            Column("name", .text), Column("position", .integer), Column("value", .text),
        ],
        key: ["application_id", "endpoint_id", "name", "position"])

    private static let failures = TableDefinition(
        name: "failures", role: .failures,
        columns: [
            Column("run_id", .text), Column("shard", .integer), Column("ordinal", .integer),
            Column("source_file", .text), Column("line", .integer), Column("user_id", .text), Column("raw", .text),
            Column("status", .integer), Column("code", .text), Column("message", .text), Column("request_id", .text),
            Column("attempts", .integer), Column("logical_date", .time),
        ],
        key: ["run_id", "shard", "ordinal"])
}
