internal import PipelineCore

/// The buffers of one batch while they grow.
struct BatchRows: Sendable {
    var users: TableRows
    var endpoints: TableRows
    var attributes: TableRows
    var metrics: TableRows
    var userAttributes: TableRows
    var failures: TableRows
    /// The child tables end with `run_id`.
    let hasRunInParts: Bool
    private let shard: Int
    /// The application and the user whose cells are stored.
    private var applicationID: [UInt8] = []
    private var userID: [UInt8]?
    /// Used anew for each endpoint.
    var residue = UnmappedMembers()
    /// How maps stand in columns; nil where their entries are rows of the tables of parts, which have none otherwise.
    let maps: MapForm?
    /// Used anew for each map.
    var document = ExtraWriter()
    let pulled: [ColumnPuller]
    /// Endpoints that were taken out of records without a user.
    var tombstones = RowBuilder(columnCount: Tombstones.columns.count)
    var tally = Tally()

    /// What is counted beside rows.
    struct Tally: Sendable {
        var filtered = 0
        var notNumbers = 0
    }

    init(layout: Layout, run: RowContext) {
        func rows(_ name: String, _ fallback: TableDefinition) -> TableRows {
            TableRows(layout.tables.first { $0.name == name } ?? fallback, run)
        }
        users = rows("users", Layout.users)
        endpoints = rows("endpoints", Layout.endpoints)
        attributes = rows("endpoint_attributes", Layout.attributes)
        metrics = rows("endpoint_metrics", Layout.metrics)
        userAttributes = rows("endpoint_user_attributes", Layout.userAttributes)
        failures = rows("failures", Layout.failures)
        hasRunInParts = layout.isKeyedByRun
        maps = layout.maps
        pulled = layout.columns.map { ColumnPuller($0) }
        shard = run.shard
    }

    /// For each table, in the layout's order.
    var rowCounts: [Int] {
        let owners = [users.builder.rowCount, endpoints.builder.rowCount]
        if maps != nil { return owners + [failures.builder.rowCount] }
        let parts = [attributes.builder.rowCount, metrics.builder.rowCount, userAttributes.builder.rowCount]
        return owners + parts + [failures.builder.rowCount]
    }

    /// Memory that the rows take, in bytes.
    var byteCount: Int {
        users.builder.memory + endpoints.builder.memory + attributes.builder.memory + metrics.builder.memory
            + userAttributes.builder.memory + failures.builder.memory
    }

    /// Gives the buffers in the layout's order and begins the next batch.
    mutating func finish(_ run: RowContext) -> [RowBuffer] {
        applicationID = []
        userID = nil
        tally = Tally()
        let owners = [users.finish(run), endpoints.finish(run)]
        let parts = [attributes.finish(run), metrics.finish(run), userAttributes.finish(run)]
        return owners + (maps == nil ? parts : []) + [failures.finish(run)]
    }

    /// Stores what all rows of a record share.
    mutating func begin(_ record: SourceRecord) {
        if let application = record.applicationID { setApplication(Array(application.utf8)) }
        setUser(record.userID.map { Array($0.utf8) })
    }

    mutating func setApplication(_ bytes: [UInt8]) {
        if bytes == applicationID, users.applicationID.kind == .text { return }
        applicationID = bytes
        bytes.withUnsafeBytes { bytes in
            users.applicationID = users.builder.store(.text, bytes)
            endpoints.applicationID = endpoints.builder.store(.text, bytes)
            attributes.applicationID = attributes.builder.store(.text, bytes)
            metrics.applicationID = metrics.builder.store(.text, bytes)
            userAttributes.applicationID = userAttributes.builder.store(.text, bytes)
        }
    }

    mutating func setUser(_ bytes: [UInt8]?) {
        userID = bytes
        endpoints.userID = bytes.map { $0.withUnsafeBytes { endpoints.builder.store(.text, $0) } } ?? .null
        // Stored with the first of its rows.
        userAttributes.userID = .null
    }

    /// The user's cell in the table of user attributes.
    mutating func userOfAttributes() -> Cell {
        if let userID, userAttributes.userID.kind == .null {
            userAttributes.userID = userID.withUnsafeBytes { userAttributes.builder.store(.text, $0) }
        }
        return userAttributes.userID
    }

    func isUser(_ node: TapeNode, _ contents: TapeContents) -> Bool {
        userID.map { $0.withUnsafeBufferPointer { contents.equal(node, $0) } } ?? false
    }

    func isApplication(_ node: TapeNode, _ contents: TapeContents) -> Bool {
        applicationID.withUnsafeBufferPointer { contents.equal(node, $0) }
    }

    mutating func appendUser(_ record: SourceRecord, endpoints count: Int) {
        let user = users.store(replacingNull: record.userID)
        let status: String
        if case .absent = record.outcome { status = "absent" } else { status = "found" }
        users.builder.append(users.applicationID)
        users.builder.append(user)
        users.builder.append(users.builder.store(.text, status))
        users.builder.append(.integer(Int64(count)))
        users.builder.append(.integer(Int64(record.ordinal)))
        users.builder.append(users.runID)
        users.builder.append(users.logicalDate)
    }

    // MARK: Undoing a record

    /// How much the buffers held before a record.
    struct Mark {
        fileprivate let users, endpoints, attributes, metrics, userAttributes, tombstones: RowBuilder.Mark
        fileprivate let tally: Tally
    }

    var mark: Mark {
        Mark(
            users: users.builder.mark, endpoints: endpoints.builder.mark, attributes: attributes.builder.mark,
            metrics: metrics.builder.mark, userAttributes: userAttributes.builder.mark, tombstones: tombstones.mark,
            tally: tally)
    }

    mutating func truncate(to mark: Mark) {
        users.builder.truncate(to: mark.users)
        endpoints.builder.truncate(to: mark.endpoints)
        attributes.builder.truncate(to: mark.attributes)
        metrics.builder.truncate(to: mark.metrics)
        userAttributes.builder.truncate(to: mark.userAttributes)
        tombstones.truncate(to: mark.tombstones)
        tally = mark.tally
        // The application's cells may have gone with the rest.
        users.applicationID = .null
    }

    // MARK: Failures

    mutating func appendFailure(_ record: SourceRecord, _ failure: RecordFailure) {
        let user = record.userID
        // A user ID with U+0000 stands in its column with U+FFFD; the input's bytes keep what it was.
        let raw = failure.raw ?? user.flatMap { $0.utf8.contains(0) ? Array($0.utf8) : nil }
        let cells = [
            failures.runID, .integer(Int64(shard)), .integer(Int64(record.ordinal)),
            failures.store(replacingNull: record.origin.file),
            record.origin.line > 0 ? .integer(Int64(record.origin.line)) : .null,
            failures.store(replacingNull: user),
            failures.store(replacingNull: raw.map(Self.text)),
            failure.status.map { .integer(Int64($0)) } ?? .null,
            failures.store(replacingNull: failure.code),
            failures.store(replacingNull: failure.message),
            failures.store(replacingNull: failure.requestID),
            .integer(Int64(failure.attempts)), failures.logicalDate,
        ]
        for cell in cells { failures.builder.append(cell) }
    }

    /// Input as text; base64 where it isn't UTF-8 or holds U+0000.
    private static func text(_ raw: [UInt8]) -> String {
        if !raw.contains(0), let text = String(validating: raw, as: UTF8.self) { return text }
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var encoded: [UInt8] = []
        for start in stride(from: 0, to: raw.count, by: 3) {
            let group = raw[start..<min(start + 3, raw.count)]
            var word = 0
            for offset in 0..<3 { word = word << 8 | (offset < group.count ? Int(group[start + offset]) : 0) }
            for digit in 0..<4 {
                encoded.append(
                    digit <= group.count ? alphabet[word >> (18 - digit * 6) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
