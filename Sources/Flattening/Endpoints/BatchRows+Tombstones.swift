internal import PipelineCore

extension BatchRows {
    /// Counts an endpoint that a filter has taken out. Where no user was asked for, nothing else would tell a store that
    /// still holds it, so its key is noted, if it can be stored at all.
    mutating func addTombstone(_ endpoint: Int, _ contents: TapeContents, _ record: SourceRecord) {
        tally.filtered += 1
        guard record.userID == nil, let id = key("Id", of: endpoint, contents) else { return }
        let application: [UInt8]
        if let asked = record.applicationID {
            application = Array(asked.utf8)
        } else {
            guard let own = key("ApplicationId", of: endpoint, contents) else { return }
            application = own
        }
        tombstones.append(application.withUnsafeBytes { tombstones.store(.text, $0) })
        tombstones.append(id.withUnsafeBytes { tombstones.store(.text, $0) })
        var date: [UInt8]?
        if let name = contents.name("EffectiveDate", in: endpoint), contents.nodes[name + 1].kind == .string {
            date = DateText(contents.nodes[name + 1], contents).canonical
        }
        tombstones.append(date.map { $0.withUnsafeBytes { tombstones.store(.time, $0) } } ?? .null)
        tombstones.append(.integer(Int64(record.ordinal)))
    }

    private func key(_ member: StaticString, of endpoint: Int, _ contents: TapeContents) -> [UInt8]? {
        guard let name = contents.name(member, in: endpoint) else { return nil }
        let value = contents.nodes[name + 1]
        return value.kind == .string && value.isStorable ? text(value, contents) : nil
    }
}

extension TapeContents {
    /// The node of a member's name; nil for what isn't a map or lacks it.
    func name(_ name: StaticString, in object: Int) -> Int? {
        name.withUTF8Buffer { self.name($0, in: object) }
    }

    func name(_ name: UnsafeBufferPointer<UInt8>, in object: Int) -> Int? {
        guard nodes[object].kind == .object else { return nil }
        var child = object + 1
        let end = Int(nodes[object].end)
        while child < end {
            let candidate = nodes[child]
            if !candidate.isDropped, equal(candidate, name) { return child }
            child = Int(nodes[child + 1].end)
        }
        return nil
    }
}
