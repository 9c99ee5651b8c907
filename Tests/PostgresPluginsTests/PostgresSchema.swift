import Foundation
import PipelineCore
import PipelineTesting
import PostgresPlugins

/// A schema of its own in the suite's server, read by psql and never by the code under test.
final class PostgresSchema: Sendable {
    let cluster: PostgresCluster
    let name: String
    /// The sink's way to the server, which may lead through something else.
    let url: String

    init(_ cluster: PostgresCluster, url: String? = nil) {
        self.cluster = cluster
        self.url = url ?? cluster.url
        name = "t_" + UUID().uuidString.lowercased().replacing("-", with: "")
    }

    deinit { _ = try? execute("DROP SCHEMA IF EXISTS \"\(name)\" CASCADE") }

    func sink(_ mode: WriteMode = .merge, url: String? = nil, outage: Duration = .seconds(60)) throws -> any Sink {
        try PostgresSink.make(
            Options([
                "url": .secret(Secret(url ?? self.url)), "schema": .text(name), "mode": .text(mode.rawValue),
                "outage": .duration(outage),
            ]), Self.plugin)
    }

    static let plugin = PluginContext(
        pipeline: "conformance", name: "warehouse", stateDirectory: "/nowhere", environment: [:], version: "1",
        warn: { _ in })

    var store: SinkConformance.Store {
        SinkConformance.Store(sinks: { try self.sink($0) }, rows: { try self.rows(of: $0) })
    }

    // MARK: Reading

    /// A table's rows, each value by its column's type.
    func rows(of table: TableDefinition) throws -> [[RowView.Value]] {
        let values = table.columns.map { column in
            switch column.type {
            case .time: #"to_char("\#(column.name)" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"#
            case .json: #""\#(column.name)"::text"#
            default: #""\#(column.name)""#
            }
        }
        return try query("SELECT \(values.joined(separator: ", ")) FROM \"\(name)\".\"\(table.name)\"").map { row in
            try zip(row, table.columns).map { node, column in try Self.value(node, column.type) }
        }
    }

    private static func value(_ node: JSONNode, _ type: ColumnType) throws -> RowView.Value {
        if node.isNull { return .null }
        switch type {
        case .integer: return .integer(try required(node.integer))
        case .real: return .number(try required(node.double))
        case .text: return .text(try required(node.text))
        case .json: return .json(compact(try required(node.text)))
        case .time: return .time(try required(node.text))
        }
    }

    /// JSON as the checks write it: the server puts a space behind each comma and colon.
    private static func compact(_ json: String) -> String {
        var isInString = false
        var last: Character = " "
        return String(
            json.filter { character in
                defer { last = last == "\\" && character == "\\" ? " " : character }
                if character == "\"", last != "\\" { isInString.toggle() }
                return isInString || character != " "
            })
    }

    private static func required<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw Shell.Failure(message: "a value is of another type than its column") }
        return value
    }

    /// The rows of any query, each a list of JSON values. As hex: psql drops U+10FFFE and U+10FFFF where it prints text.
    func query(_ sql: String) throws -> [[JSONNode]] {
        let hex = try text(
            """
            SELECT encode(convert_to(coalesce(
                json_agg((SELECT json_agg(value) FROM json_each(row_to_json(q)))), '[]')::text, 'UTF8'), 'hex')
            FROM (\(sql)) AS q
            """)
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in hex.utf8 {
            let value = digit < 58 ? digit - 48 : digit - 87
            if let first = high { bytes.append(first << 4 | value) }
            high = high == nil ? value : nil
        }
        return try JSONTape(decoding: bytes).root.elements.map(\.elements)
    }

    /// One text from a query that gives one.
    func text(_ sql: String) throws -> String {
        var text = try execute(sql)
        if text.hasSuffix("\n") { text.removeLast() }
        return text
    }

    /// Runs statements with psql, with the schema on the search path.
    @discardableResult
    func execute(_ sql: String) throws -> String {
        try cluster.psql.run(
            "SET client_min_messages = error; SET search_path = \"\(name)\", public;\n\(sql)")
    }
}
