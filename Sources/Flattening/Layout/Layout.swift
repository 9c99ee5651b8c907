public import PipelineCore

/// Which tables the rows go to, and which columns these have.
public struct Layout: Sendable, Hashable {
    /// The tables in the order of a batch's buffers.
    public let tables: [TableDefinition]
    /// For mode `append`: each run's rows stand beside the earlier ones: `run_id` leads every key and is the last column of
    /// the tables whose rows belong to an endpoint.
    public let isKeyedByRun: Bool
    /// The columns of `endpoints` that follow the fixed ones, in their order.
    public let columns: [PulledColumn]
    /// How the maps of an endpoint stand in columns of `endpoints`; nil where their entries have rows of their own.
    let maps: MapForm?

    /// One table for endpoints and one for each of the maps that they carry.
    ///
    /// - Parameter columns: further columns of `endpoints`; their names differ from the others', see `problems`.
    public static func normalized(mode: WriteMode = .merge, columns: [PulledColumn] = []) -> Layout {
        Layout(content: [users, endpoints, attributes, metrics, userAttributes], mode, columns, maps: nil)
    }

    /// One table for endpoints, which has the maps that they carry in columns of JSON.
    public static func document(
        mode: WriteMode = .merge, maps: MapForm = .object, columns: [PulledColumn] = []
    ) -> Layout {
        Layout(content: [users, endpointDocuments], mode, columns, maps: maps)
    }

    private init(content: [TableDefinition], _ mode: WriteMode, _ columns: [PulledColumn], maps: MapForm?) {
        let isKeyedByRun = mode.keepsRunsApart
        self.isKeyedByRun = isKeyedByRun
        self.columns = columns
        self.maps = maps
        tables =
            content.map { table in
                var table = isKeyedByRun ? table.keyedByRun() : table
                if maps == .entries {
                    for (index, column) in table.columns.enumerated() where Self.mapColumns.contains(column) {
                        table.columns[index].entries = column == Self.metricsColumn ? .number : .texts
                    }
                }
                // At the end, where a table that is there already gains them too.
                if table.role == .endpoints { table.columns += columns.map { Column($0.name, $0.type) } }
                return table
            } + [Self.failures]
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
    static let users = TableDefinition(
        name: "users", role: .users,
        columns: [
            Column("application_id", .text), Column("user_id", .text), Column("status", .text),
            Column("endpoint_count", .integer), Column("ordinal", .integer), Column("run_id", .text),
            Column("logical_date", .time),
        ],
        key: ["application_id", "user_id"])

    static let endpoints = TableDefinition(
        name: "endpoints", role: .endpoints,
        columns: EndpointColumn.allCases.map { Column($0.name, $0.type) } + lastColumns,
        key: ["application_id", "endpoint_id"], indexes: [["user_id", "application_id"]])

    static let endpointDocuments = TableDefinition(
        name: "endpoints", role: .endpoints,
        columns: EndpointColumn.allCases.map { Column($0.name, $0.type) } + mapColumns + lastColumns,
        key: ["application_id", "endpoint_id"], indexes: [["user_id", "application_id"]])

    private static let metricsColumn = Column("metrics", .json)

    static let mapColumns = [Column("attributes", .json), metricsColumn, Column("user_attributes", .json)]

    private static let lastColumns = [
        Column("extra", .json), Column("ordinal", .integer), Column("run_id", .text), Column("logical_date", .time),
    ]

    static let attributes = TableDefinition(
        name: "endpoint_attributes", role: .endpointParts,
        columns: [
            Column("application_id", .text), Column("endpoint_id", .text), Column("name", .text),
            Column("position", .integer), Column("value", .text),
        ],
        key: ["application_id", "endpoint_id", "name", "position"])

    static let metrics = TableDefinition(
        name: "endpoint_metrics", role: .endpointParts,
        columns: [
            Column("application_id", .text), Column("endpoint_id", .text), Column("name", .text),
            Column("value", .real),
        ],
        key: ["application_id", "endpoint_id", "name"])

    static let userAttributes = TableDefinition(
        name: "endpoint_user_attributes", role: .endpointParts,
        columns: [
            Column("application_id", .text), Column("endpoint_id", .text), Column("user_id", .text),
            Column("name", .text), Column("position", .integer), Column("value", .text),
        ],
        key: ["application_id", "endpoint_id", "name", "position"])

    static let failures = TableDefinition(
        name: "failures", role: .failures,
        columns: [
            Column("run_id", .text), Column("shard", .integer), Column("ordinal", .integer),
            Column("source_file", .text), Column("line", .integer), Column("user_id", .text), Column("raw", .text),
            Column("status", .integer), Column("code", .text), Column("message", .text), Column("request_id", .text),
            Column("attempts", .integer), Column("logical_date", .time),
        ],
        key: ["run_id", "shard", "ordinal"])
}
