public import PipelineCore

/// A small layout with a table of every role and a column of every type, and batches for it: what the conformance checks
/// of sinks write.
public enum SinkFixture {
    public static let application = "app-1"
    public static let logicalDate = "2026-11-23T00:00:00.000Z"

    /// The date that a run's ID ends with, as in `conformance-20261123T000000Z`; else `logicalDate`.
    public static func logicalDate(ofRun runID: String) -> String {
        let stamp = Array(runID.utf8.suffix(16))
        guard stamp.count == 16, stamp[8] == UInt8(ascii: "T"), stamp[15] == UInt8(ascii: "Z") else {
            return logicalDate
        }
        func digits(_ range: Range<Int>) -> String { String(decoding: stamp[range], as: UTF8.self) }
        return "\(digits(0..<4))-\(digits(4..<6))-\(digits(6..<8))T"
            + "\(digits(9..<11)):\(digits(11..<13)):\(digits(13..<15)).000Z"
    }

    public static let users = TableDefinition(
        name: "users", role: .users,
        columns: [
            Column("application_id", .text), Column("user_id", .text), Column("status", .text),
            Column("endpoint_count", .integer), Column("ordinal", .integer), Column("run_id", .text),
            Column("logical_date", .time),
        ],
        key: ["application_id", "user_id"])

    public static let endpoints = TableDefinition(
        name: "endpoints", role: .endpoints,
        columns: [
            Column("application_id", .text), Column("endpoint_id", .text), Column("user_id", .text),
            Column("address", .text), Column("effective_date", .time), Column("location_latitude", .real),
            Column("extra", .json), Column("ordinal", .integer), Column("run_id", .text), Column("logical_date", .time),
        ],
        key: ["application_id", "endpoint_id"], indexes: [["user_id", "application_id"]])

    public static let attributes = TableDefinition(
        name: "endpoint_attributes", role: .endpointParts,
        columns: [
            Column("application_id", .text), Column("endpoint_id", .text), Column("name", .text),
            Column("position", .integer), Column("value", .text),
        ],
        key: ["application_id", "endpoint_id", "name", "position"])

    public static let metrics = TableDefinition(
        name: "endpoint_metrics", role: .endpointParts,
        columns: [
            Column("application_id", .text), Column("endpoint_id", .text), Column("name", .text),
            Column("value", .real),
        ],
        key: ["application_id", "endpoint_id", "name"])

    public static let failures = TableDefinition(
        name: "failures", role: .failures,
        columns: [
            Column("run_id", .text), Column("shard", .integer), Column("ordinal", .integer), Column("user_id", .text),
            Column("code", .text),
        ],
        key: ["run_id", "shard", "ordinal"])

    /// In the order of a batch's buffers.
    public static let tables = [users, endpoints, attributes, metrics, failures]

    /// The tables in a mode's form: in `append`, `run_id` leads every key and is the last column of parts.
    public static func tables(for mode: WriteMode) -> [TableDefinition] {
        guard mode == .append else { return tables }
        return tables.map { table in
            guard table.role != .failures else { return table }
            var table = table
            table.key.insert("run_id", at: 0)
            if table.role == .endpointParts { table.columns.append(Column("run_id", .text)) }
            return table
        }
    }

    /// One endpoint of an answer.
    public struct Endpoint: Sendable, Hashable {
        public var id: String
        public var address: String?
        public var effectiveDate: String?
        public var latitude: Double?
        /// Compact JSON.
        public var extra: String
        /// By name, in order of the name.
        public var attributes: [String: [String]]
        public var metrics: [String: Double]

        public init(
            _ id: String, address: String? = nil, effectiveDate: String? = nil, latitude: Double? = nil,
            extra: String = "{}", attributes: [String: [String]] = [:], metrics: [String: Double] = [:]
        ) {
            self.id = id
            self.address = address
            self.effectiveDate = effectiveDate
            self.latitude = latitude
            self.extra = extra
            self.attributes = attributes
            self.metrics = metrics
        }
    }

    /// One record of the input with what came of it.
    public enum Record: Sendable, Hashable {
        case found(String, [Endpoint])
        case absent(String)
        case failed(String)
        /// An archive's line: an endpoint that nobody asked for by its user.
        case line(String, Endpoint)
        /// An archive's line with the endpoint of this ID, which a filter has taken out.
        case filtered(String, effectiveDate: String?)
    }

    /// The rows of records, flattened, whose ordinals begin at `firstOrdinal`.
    ///
    /// - Parameters:
    ///   - mode: whose form of the tables the rows have.
    ///   - marksGroups: whether the tables of parts say where each endpoint's parts end.
    public static func batch(
        _ records: [Record], commitNumber: Int, firstOrdinal: Int, runID: String, shard: Int = 0,
        mode: WriteMode = .merge, progress: RunProgress? = nil, marksGroups: Bool = true
    ) -> Batch {
        var reached = RunProgress.start
        reached.nextOrdinal = firstOrdinal + records.count
        reached.consumed = reached.nextOrdinal
        reached.position = Position(offset: UInt64(reached.nextOrdinal) * 10, line: UInt64(reached.nextOrdinal))
        return batch(
            numbered: records.enumerated().map { (firstOrdinal + $0, $1) }, commitNumber: commitNumber, runID: runID,
            shard: shard, mode: mode, progress: progress ?? reached, marksGroups: marksGroups)
    }

    /// The rows of records that were fetched again, in place of their failures.
    public static func amendment(
        _ records: [Int: Record], commitNumber: Int, runID: String, mode: WriteMode, progress: RunProgress
    ) -> Batch {
        var amendment = batch(
            numbered: records.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, commitNumber: commitNumber,
            runID: runID, shard: 0, mode: mode, progress: progress, marksGroups: true)
        amendment.amends = records.keys.sorted()
        amendment.counts.failed -= records.count
        amendment.counts.rows[failures.name, default: 0] -= records.count
        return amendment
    }

    private static func batch(
        numbered records: [(ordinal: Int, record: Record)], commitNumber: Int, runID: String, shard: Int,
        mode: WriteMode, progress: RunProgress, marksGroups: Bool
    ) -> Batch {
        let tables = tables(for: mode)
        let partsRunID = mode == .append ? runID : nil
        var rows = SinkRows(tables)
        var counts = RunCounts()
        var tombstones = Tombstones.none
        for (ordinal, record) in records {
            func append(_ endpoint: Endpoint, of user: String) {
                rows.append(endpointRow(endpoint, user: user, ordinal: ordinal, runID: runID), to: 1)
                for row in attributeRows(endpoint, runID: partsRunID) { rows.append(row, to: 2) }
                for row in metricRows(endpoint, runID: partsRunID) { rows.append(row, to: 3) }
                if marksGroups { rows.endGroup(in: [2, 3]) }
                counts.endpoints += 1
            }
            switch record {
            case .found(let user, let endpoints):
                rows.append(
                    userRow(user, "found", endpoints: endpoints.count, ordinal: ordinal, runID: runID), to: 0)
                for endpoint in endpoints { append(endpoint, of: user) }
                counts.found += 1
            case .absent(let user):
                rows.append(userRow(user, "absent", endpoints: 0, ordinal: ordinal, runID: runID), to: 0)
                counts.absent += 1
            case .failed(let user):
                rows.append(failureRow(user, ordinal: ordinal, runID: runID, shard: shard), to: 4)
                counts.failed += 1
            case .line(let user, let endpoint):
                append(endpoint, of: user)
                counts.found += 1
            case .filtered(let id, let date):
                tombstones.append(RowView.Value.text(application))
                tombstones.append(RowView.Value.text(id))
                tombstones.append(date.map { RowView.Value.time($0) } ?? .null)
                tombstones.append(RowView.Value.integer(Int64(ordinal)))
                counts.found += 1
                counts.filtered += 1
            }
        }
        for (table, buffer) in zip(tables, rows.buffers) { counts.rows[table.name] = buffer.rowCount }
        return Batch(
            commitNumber: commitNumber, tables: rows.buffers, counts: counts, progress: progress, tombstones: tombstones
        )
    }

    // MARK: Rows

    static func userRow(
        _ user: String, _ status: String, endpoints: Int, ordinal: Int, runID: String
    ) -> [RowView.Value] {
        [
            .text(application), .text(user), .text(status), .integer(Int64(endpoints)), .integer(Int64(ordinal)),
            .text(runID), .time(logicalDate(ofRun: runID)),
        ]
    }

    static func endpointRow(_ endpoint: Endpoint, user: String, ordinal: Int, runID: String) -> [RowView.Value] {
        [
            .text(application), .text(endpoint.id), .text(user), endpoint.address.map { .text($0) } ?? .null,
            endpoint.effectiveDate.map { .time($0) } ?? .null, endpoint.latitude.map { .number($0) } ?? .null,
            .json(endpoint.extra), .integer(Int64(ordinal)), .text(runID),
            .time(logicalDate(ofRun: runID)),
        ]
    }

    /// - Parameter runID: the last column's, in `append`.
    static func attributeRows(_ endpoint: Endpoint, runID: String?) -> [[RowView.Value]] {
        endpoint.attributes.sorted { $0.key < $1.key }.flatMap { name, values in
            values.enumerated().map { position, value in
                [.text(application), .text(endpoint.id), .text(name), .integer(Int64(position)), .text(value)]
                    + (runID.map { [.text($0)] } ?? [])
            }
        }
    }

    static func metricRows(_ endpoint: Endpoint, runID: String?) -> [[RowView.Value]] {
        endpoint.metrics.sorted { $0.key < $1.key }.map { name, value in
            [.text(application), .text(endpoint.id), .text(name), .number(value)] + (runID.map { [.text($0)] } ?? [])
        }
    }

    static func failureRow(_ user: String, ordinal: Int, runID: String, shard: Int) -> [RowView.Value] {
        [.text(runID), .integer(Int64(shard)), .integer(Int64(ordinal)), .text(user), .text("Throttled")]
    }
}

/// Row buffers built from plain values.
public struct SinkRows: Sendable {
    public private(set) var buffers: [RowBuffer]

    public init(_ tables: [TableDefinition]) {
        buffers = tables.map { RowBuffer(columnCount: $0.columns.count) }
    }

    public mutating func append(_ row: [RowView.Value], to table: Int) {
        for value in row {
            let cell: Cell =
                switch value {
                case .null: .null
                case .integer(let number): .integer(number)
                case .number(let number): .real(number)
                case .text(let text): buffers[table].store(.text, text)
                case .json(let text): buffers[table].store(.json, text)
                case .time(let text): buffers[table].store(.time, text)
                }
            buffers[table].append(cell)
        }
    }

    public mutating func endGroup(in tables: [Int]) {
        for table in tables { buffers[table].endGroup() }
    }
}
