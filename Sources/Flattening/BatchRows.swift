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
    var residue = Residue()
    var row: [Cell]

    init(layout: Layout, run: RowContext) {
        func rows(_ place: Int) -> TableRows { TableRows(layout.tables[place], run) }
        users = rows(Layout.Place.users)
        endpoints = rows(Layout.Place.endpoints)
        attributes = rows(Layout.Place.attributes)
        metrics = rows(Layout.Place.metrics)
        userAttributes = rows(Layout.Place.userAttributes)
        failures = rows(Layout.Place.failures)
        hasRunInParts = layout.mode == .append
        shard = run.shard
        row = Array(repeating: .null, count: endpoints.buffer.columnCount)
    }

    /// In the layout's order.
    var buffers: [RowBuffer] {
        [
            users.buffer, endpoints.buffer, attributes.buffer, metrics.buffer, userAttributes.buffer, failures.buffer,
        ]
    }

    var byteCount: Int { buffers.reduce(0) { $0 + $1.byteCount } }

    /// Stores what all rows of a record share.
    mutating func begin(_ record: SourceRecord) {
        if let application = record.applicationID { setApplication(Array(application.utf8)) }
        setUser(record.userID.map { Array($0.utf8) })
    }

    mutating func setApplication(_ bytes: [UInt8]) {
        if bytes == applicationID, users.applicationID.kind == .text { return }
        applicationID = bytes
        bytes.withUnsafeBytes { bytes in
            users.applicationID = users.buffer.store(.text, bytes)
            endpoints.applicationID = endpoints.buffer.store(.text, bytes)
            attributes.applicationID = attributes.buffer.store(.text, bytes)
            metrics.applicationID = metrics.buffer.store(.text, bytes)
            userAttributes.applicationID = userAttributes.buffer.store(.text, bytes)
        }
    }

    mutating func setUser(_ bytes: [UInt8]?) {
        userID = bytes
        endpoints.userID = bytes.map { $0.withUnsafeBytes { endpoints.buffer.store(.text, $0) } } ?? .null
        // Stored with the first of its rows.
        userAttributes.userID = .null
    }

    /// The user's cell in the table of user attributes.
    mutating func userOfAttributes() -> Cell {
        if let userID, userAttributes.userID.kind == .null {
            userAttributes.userID = userID.withUnsafeBytes { userAttributes.buffer.store(.text, $0) }
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
        users.buffer.append(users.applicationID)
        users.buffer.append(user)
        users.buffer.append(users.buffer.store(.text, status))
        users.buffer.append(.integer(Int64(count)))
        users.buffer.append(.integer(Int64(record.ordinal)))
        users.buffer.append(users.runID)
        users.buffer.append(users.logicalDate)
    }

    // MARK: Undoing a record

    /// How much the buffers held in front of a record.
    struct Mark {
        fileprivate let buffers: [RowBuffer.Mark]
    }

    var mark: Mark {
        Mark(buffers: [
            endpoints.buffer.mark, attributes.buffer.mark, metrics.buffer.mark, userAttributes.buffer.mark,
            users.buffer.mark,
        ])
    }

    mutating func truncate(to mark: Mark) {
        endpoints.buffer.truncate(to: mark.buffers[0])
        attributes.buffer.truncate(to: mark.buffers[1])
        metrics.buffer.truncate(to: mark.buffers[2])
        userAttributes.buffer.truncate(to: mark.buffers[3])
        users.buffer.truncate(to: mark.buffers[4])
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
        for cell in cells { failures.buffer.append(cell) }
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
