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
                if contents.nodes[node].isDropped {
                    addTombstone(node, contents, record)
                    return 0
                }
                try append(node, contents, record, number: 1)
                return 1
            case .list(let list):
                var count = 0
                var element = list + 1
                let end = Int(contents.nodes[list].end)
                while element < end {
                    if contents.nodes[element].isDropped {
                        addTombstone(element, contents, record)
                    } else {
                        count += 1
                        try append(element, contents, record, number: count)
                    }
                    element = Int(contents.nodes[element].end)
                }
                return count
            }
        }
    }

    private mutating func append(
        _ endpoint: Int, _ contents: TapeContents, _ record: SourceRecord, number: Int
    ) throws(RecordFailure) {
        residue.clear()
        var deferred = DeferredMembers()
        let columns = endpoints.builder.columnCount
        let row = endpoints.builder.write(cells: columns, bytes: contents.bound(endpoint)) { writer in
            let row = writer.appendNulls(columns)
            let reader = EndpointReader(contents: contents, row: row)
            reader.read(endpoint, .endpoint, .endpoint, &deferred, &writer, &residue)
            return row
        }
        let id = try storableKey(deferred.id, "Id", number, contents)
        try readApplication(deferred.applicationID, number, contents, record)
        readUser(deferred, contents, record)
        var documents: MapCells?
        if let maps {
            documents = storeMaps(deferred, contents, maps)
        } else {
            appendParts(deferred, id, contents)
        }
        // Before `extra`, which takes what isn't a number.
        let pulled = pulled.isEmpty ? [] : pull(endpoint, contents)

        let extra =
            residue.isEmpty ? endpoints.emptyMap : residue.withJSON(contents) { endpoints.builder.store(.json, $0) }
        let (application, user, runID, logicalDate) = (
            endpoints.applicationID, endpoints.userID, endpoints.runID, endpoints.logicalDate
        )
        endpoints.builder.write(cells: 0, bytes: Int(id.length)) { writer in
            func set(_ column: EndpointColumn, _ cell: Cell) { writer.set(row + Int(column.rawValue), cell) }
            set(.endpointID, writer.store(.text, id, contents))
            set(.applicationID, application)
            set(.userID, user)
            var tail = row + EndpointColumn.allCases.count
            if let documents {
                writer.set(tail, documents.attributes)
                writer.set(tail + 1, documents.metrics)
                writer.set(tail + 2, documents.userAttributes)
                tail += 3
            }
            writer.set(tail, extra)
            writer.set(tail + 1, .integer(Int64(record.ordinal)))
            writer.set(tail + 2, runID)
            writer.set(tail + 3, logicalDate)
            for (place, cell) in pulled.enumerated() { writer.set(tail + 4 + place, cell) }
        }
    }

    /// Rows of their own for the entries of the endpoint's maps.
    private mutating func appendParts(_ deferred: DeferredMembers, _ id: TapeNode, _ contents: TapeContents) {
        if deferred.attributes > 0 { appendAttributes(deferred.attributes, id, contents) }
        if deferred.metrics > 0 { appendMetrics(deferred.metrics, id, contents) }
        if deferred.userAttributes > 0 {
            appendUserAttributes(
                deferred.userAttributes, UnmappedMembers.Around.endpoint.inside(deferred.user), id, contents)
        }
        attributes.builder.endGroup()
        metrics.builder.endGroup()
        userAttributes.builder.endGroup()
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
    private mutating func readUser(_ deferred: DeferredMembers, _ contents: TapeContents, _ record: SourceRecord) {
        let around = UnmappedMembers.Around.endpoint.inside(deferred.user)
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

    func text(_ value: TapeNode, _ contents: TapeContents) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(value.length)) { buffer, count in
            if let start = buffer.baseAddress { count = contents.decode(value, into: start) }
        }
    }
}
