internal import PipelineCore

/// An endpoint → rows. `extra` takes what these can't hold, so that nothing is lost:
///
/// - members that are not known, at any level; nulls, empty lists and empty maps;
/// - a value of another type than its column's, which is null then; an attribute that isn't a list;
/// - a list with anything but strings in it, or with a string that can't be stored, whole; its strings have rows all the
///   same, with their places in the list as positions;
/// - a date's text that isn't in canonical form, whether or not it could be read;
/// - a number whose decimal value isn't that of the shortest decimal for its double, or that overflows: then its column is
///   null, or a metric has no row. Zero has no sign in this comparison;
/// - a text with U+0000 or a lone surrogate; its column has U+FFFD in their place;
/// - an attribute or metric whose name can't be stored, instead of its rows;
/// - a user or application other than the one that was asked for.
extension BatchRows {
    /// Appends the rows of all endpoints of a record.
    ///
    /// - Returns: How many endpoints there were.
    mutating func append(_ tape: EndpointTape, of record: SourceRecord) throws(RecordFailure) -> Int {
        try tape.tape.withContents { contents throws(RecordFailure) -> Int in
            switch tape.form {
            case .none: return 0
            case .single(let node):
                if contents.nodes[node].isDropped { return 0 }
                try append(node, contents, record, number: 1)
                return 1
            case .list(let list):
                var count = 0
                var element = list + 1
                let end = Int(contents.nodes[list].end)
                while element < end {
                    if !contents.nodes[element].isDropped {
                        count += 1
                        try append(element, contents, record, number: count)
                    }
                    element = Int(contents.nodes[element].end)
                }
                return count
            }
        }
    }

    /// Where the members stand that are left for when the keys are known; 0 where there is none.
    private struct Deferred {
        var id = 0
        var applicationID = 0
        var attributes = 0
        var metrics = 0
        var userID = 0
        var userAttributes = 0
        var user = 0
    }

    private mutating func append(
        _ endpoint: Int, _ contents: TapeContents, _ record: SourceRecord, number: Int
    ) throws(RecordFailure) {
        residue.clear()
        for column in 0..<row.count { row[column] = .null }
        var deferred = Deferred()
        readMembers(of: endpoint, .endpoint, .endpoint, contents, &deferred)
        let id = try storableKey(deferred.id, "Id", number, contents)
        try readApplication(deferred.applicationID, number, contents, record)
        readUser(deferred, contents, record)

        set(.endpointID, endpoints.store(id, contents))
        set(.applicationID, endpoints.applicationID)
        set(.userID, endpoints.userID)
        if deferred.attributes > 0 { appendAttributes(deferred.attributes, id, contents) }
        if deferred.metrics > 0 { appendMetrics(deferred.metrics, id, contents) }
        if deferred.userAttributes > 0 {
            appendUserAttributes(deferred.userAttributes, Residue.Around.endpoint.inside(deferred.user), id, contents)
        }
        let tail = EndpointColumn.allCases.count
        row[tail] =
            residue.isEmpty
            ? endpoints.emptyMap : residue.withJSON(contents) { endpoints.buffer.store(.json, $0) }
        row[tail + 1] = .integer(Int64(record.ordinal))
        row[tail + 2] = endpoints.runID
        row[tail + 3] = endpoints.logicalDate
        row.withUnsafeBufferPointer { endpoints.buffer.append(row: $0) }
    }

    @inline(__always)
    private mutating func set(_ column: EndpointColumn, _ cell: Cell) { row[Int(column.rawValue)] = cell }

    // MARK: Members

    /// Reads the members of the endpoint, or of a map in it that has columns.
    private mutating func readMembers(
        of object: Int, _ members: MemberTable, _ around: Residue.Around, _ contents: TapeContents,
        _ deferred: inout Deferred
    ) {
        var name = object + 1
        let end = Int(contents.nodes[object].end)
        while name < end {
            let node = contents.nodes[name]
            let value = contents.nodes[name + 1]
            let next = Int(value.end)
            defer { name = next }
            if node.isDropped { continue }
            guard let member = members.find(node, contents) else {
                residue.keep(name, around)
                continue
            }
            switch member {
            case .column(let column):
                if !read(value, into: column, contents) { residue.keep(name, around) }
            case .endpointID: deferred.id = name
            case .applicationID: deferred.applicationID = name
            case .userID: deferred.userID = name
            case .attributes: deferred.attributes = name
            case .metrics: deferred.metrics = name
            case .userAttributes: deferred.userAttributes = name
            case .demographic, .location, .user:
                if value.kind != .object || contents.isEmpty(name + 1) {
                    residue.keep(name, around)
                    continue
                }
                let table: MemberTable
                switch member {
                case .demographic: table = .demographic
                case .location: table = .location
                default:
                    table = .user
                    deferred.user = name
                }
                readMembers(of: name + 1, table, around.inside(name), contents, &deferred)
            }
        }
    }

    /// Reads a value into its column.
    ///
    /// - Returns: Whether the column says all that the value says.
    @inline(__always)
    private mutating func read(_ value: TapeNode, into column: EndpointColumn, _ contents: TapeContents) -> Bool {
        switch column.type {
        case .text:
            guard value.kind == .string else { return false }
            set(column, endpoints.store(value, contents))
            return value.isStorable
        case .time:
            guard value.kind == .string else { return false }
            return readDate(value, column, contents)
        default:
            guard value.kind == .number else { return false }
            let number = JSONNumber.read(contents.source(value))
            if number.value.isFinite { set(column, .real(number.value)) }
            return number.isExact
        }
    }

    private mutating func readDate(_ value: TapeNode, _ column: EndpointColumn, _ contents: TapeContents) -> Bool {
        if !value.flags.contains(.escaped), DateText.isCanonical(contents.source(value)) {
            set(column, endpoints.buffer.store(.time, UnsafeRawBufferPointer(contents.source(value))))
            return true
        }
        let date = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(Int(value.length), 1)) { scratch in
            guard let start = scratch.baseAddress else { return DateText(UnsafeBufferPointer(scratch)) }
            return DateText(UnsafeBufferPointer(start: start, count: contents.decode(value, into: start)))
        }
        guard let canonical = date.canonical else { return false }
        set(column, canonical.withUnsafeBytes { endpoints.buffer.store(.time, $0) })
        return date.isExact && value.isStorable
    }

    // MARK: Keys

    private func storableKey(
        _ name: Int, _ member: String, _ number: Int, _ contents: TapeContents
    ) throws(RecordFailure) -> TapeNode {
        guard name > 0 else { throw .unstorableKey("endpoint \(number) of this record has no \(member)") }
        let value = contents.nodes[name + 1]
        guard value.kind == .string else {
            throw .unstorableKey("the \(member) of endpoint \(number) of this record isn't text")
        }
        guard value.isStorable else {
            throw .unstorableKey("the \(member) of endpoint \(number) of this record holds U+0000 or a lone surrogate")
        }
        return value
    }

    private mutating func readApplication(
        _ name: Int, _ number: Int, _ contents: TapeContents, _ record: SourceRecord
    ) throws(RecordFailure) {
        if record.applicationID == nil {
            let value = try storableKey(name, "ApplicationId", number, contents)
            if users.applicationID.kind != .text || !isApplication(value, contents) {
                setApplication(text(value, contents))
            }
        } else if name > 0 {
            let value = contents.nodes[name + 1]
            if value.kind != .string || !isApplication(value, contents) { residue.keep(name, .endpoint) }
        }
    }

    /// Without a user who was asked for, the endpoint's own is the row's.
    private mutating func readUser(_ deferred: Deferred, _ contents: TapeContents, _ record: SourceRecord) {
        let around = Residue.Around.endpoint.inside(deferred.user)
        let value = deferred.userID > 0 ? contents.nodes[deferred.userID + 1] : nil
        if record.userID != nil {
            guard let value else { return }
            if value.kind != .string || !isUser(value, contents) { residue.keep(deferred.userID, around) }
            return
        }
        guard let value, value.kind == .string else {
            setUser(nil)
            if value != nil { residue.keep(deferred.userID, around) }
            return
        }
        setUser(text(value, contents))
        if !value.isStorable { residue.keep(deferred.userID, around) }
    }

    private func text(_ value: TapeNode, _ contents: TapeContents) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(value.length)) { buffer, count in
            if let start = buffer.baseAddress { count = contents.decode(value, into: start) }
        }
    }
}
