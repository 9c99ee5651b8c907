import PipelineCore

/// Reads a batch's rows back into endpoints, by what the tables' description says of them.
///
/// `extra` comes first; a column or a row adds what isn't there yet.
struct RowsReadBack {
    private var endpointRows: [[String: RowView.Value]] = []
    /// By table, then endpoint.
    private var parts: [String: [String: [[String: RowView.Value]]]] = [:]

    init(_ tables: [TableDefinition], _ buffers: [RowBuffer]) {
        for (table, buffer) in zip(tables, buffers) {
            buffer.forEachRow { row in
                var values: [String: RowView.Value] = [:]
                for (place, column) in table.columns.enumerated() { values[column.name] = row[place] }
                if table.role == .endpoints { endpointRows.append(values) }
                if table.role == .endpointParts, case .text(let id) = values["endpoint_id"] {
                    parts[table.name, default: [:]][id, default: []].append(values)
                }
            }
        }
    }

    /// In the order of their rows.
    func endpoints() throws -> [(ordinal: Int64, endpoint: WireValue)] {
        try endpointRows.map { row in
            guard case .integer(let ordinal) = row["ordinal"] else { throw Unreadable("no ordinal") }
            return (ordinal, try endpoint(row))
        }
    }

    struct Unreadable: Error {
        var message: String
        init(_ message: String) { self.message = message }
    }

    private static let columns: [(column: String, path: [String])] = [
        ("application_id", ["ApplicationId"]), ("endpoint_id", ["Id"]), ("user_id", ["User", "UserId"]),
        ("address", ["Address"]), ("channel_type", ["ChannelType"]), ("cohort_id", ["CohortId"]),
        ("creation_date", ["CreationDate"]), ("effective_date", ["EffectiveDate"]),
        ("endpoint_status", ["EndpointStatus"]), ("opt_out", ["OptOut"]), ("request_id", ["RequestId"]),
        ("demographic_app_version", ["Demographic", "AppVersion"]), ("demographic_locale", ["Demographic", "Locale"]),
        ("demographic_make", ["Demographic", "Make"]), ("demographic_model", ["Demographic", "Model"]),
        ("demographic_model_version", ["Demographic", "ModelVersion"]),
        ("demographic_platform", ["Demographic", "Platform"]),
        ("demographic_platform_version", ["Demographic", "PlatformVersion"]),
        ("demographic_timezone", ["Demographic", "Timezone"]), ("location_city", ["Location", "City"]),
        ("location_country", ["Location", "Country"]), ("location_latitude", ["Location", "Latitude"]),
        ("location_longitude", ["Location", "Longitude"]), ("location_postal_code", ["Location", "PostalCode"]),
        ("location_region", ["Location", "Region"]),
    ]

    private func endpoint(_ row: [String: RowView.Value]) throws -> WireValue {
        guard case .json(let extra) = row["extra"] else { throw Unreadable("no extra") }
        var result = try WireValue(JSONTape(decoding: extra).root, unwraps: true)
        for (column, path) in Self.columns {
            let value: WireValue
            switch row[column] {
            case .text(let text), .time(let text): value = .text(text)
            case .number(let number): value = .number(number.description)
            case .null: continue
            default: throw Unreadable("\(column) has no value of its type")
            }
            try add(path.map { Array($0.utf16) }, value, to: &result)
        }
        let places = [
            ("endpoint_attributes", "attributes", ["Attributes"]), ("endpoint_metrics", "metrics", ["Metrics"]),
            ("endpoint_user_attributes", "user_attributes", ["User", "UserAttributes"]),
        ]
        for (table, column, path) in places {
            let entries = try row[column].map(entries) ?? entries(of: table, row)
            for (name, value) in entries { try add(path.map { Array($0.utf16) } + [name], value, to: &result) }
        }
        return result
    }

    private func add(_ path: [[UInt16]], _ value: WireValue, to endpoint: inout WireValue) throws {
        let names = path.map { String(decoding: $0, as: UTF16.self) }
        if endpoint[names] != nil { return }
        guard endpoint.set(path[...], value) else {
            // The user that was asked for has a column, whatever stands in the answer.
            if names == ["User", "UserId"] { return }
            throw Unreadable("\(names) stands in something that is no map")
        }
    }

    /// The entries of a map, by rows of their own.
    private func entries(of table: String, _ row: [String: RowView.Value]) throws -> [([UInt16], WireValue)] {
        guard case .text(let id) = row["endpoint_id"] else { throw Unreadable("no ID") }
        var names: [[UInt16]] = []
        var values: [[UInt16]: [WireValue]] = [:]
        for part in parts[table]?[id] ?? [] {
            guard case .text(let text) = part["name"] else { throw Unreadable("no name") }
            let name = Array(text.utf16)
            if values[name] == nil { names.append(name) }
            switch part["value"] {
            case .text(let text): values[name, default: []].append(.text(text))
            case .number(let number): values[name, default: []].append(.number(number.description))
            default: throw Unreadable("no value")
            }
        }
        return names.map { name in
            let values = values[name] ?? []
            return (name, table == "endpoint_metrics" ? values[0] : .list(values))
        }
    }

    /// The entries of a map, by a column of JSON.
    private func entries(_ cell: RowView.Value) throws -> [([UInt16], WireValue)] {
        guard case .json(let json) = cell else { throw Unreadable("no document") }
        switch try WireValue(JSONTape(decoding: json).root) {
        case .map(let members): return members.map { ($0.key, $0.value) }
        case .list(let items):
            return try items.map { item in
                guard case .map(let members) = item, members.count == 2, case .string(let name) = item[["name"]],
                    let value = item[["values"]] ?? item[["value"]]
                else { throw Unreadable("an entry of a document is none") }
                return (name, value)
            }
        default: throw Unreadable("a document is no map")
        }
    }
}
