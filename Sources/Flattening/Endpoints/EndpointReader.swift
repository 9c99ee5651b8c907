internal import PipelineCore

/// Where those members' names stand that are left for when the keys are known; 0 where there is none.
struct DeferredMembers {
    var id = 0
    var applicationID = 0
    var attributes = 0
    var metrics = 0
    var user = 0
    var userID = 0
    var userAttributes = 0
}

/// Reads the members that have columns into the row at hand.
struct EndpointReader {
    let contents: TapeContents
    /// The place of the row's first cell.
    let row: Int

    /// Reads the endpoint, or a map in it that has columns.
    func read(
        _ object: Int, _ members: MemberTable, _ around: UnmappedMembers.Around, _ deferred: inout DeferredMembers,
        _ writer: inout RowWriter, _ residue: inout UnmappedMembers
    ) {
        var name = object + 1
        let end = Int(contents.nodes[object].end)
        while name < end {
            let node = contents.nodes[name]
            let value = contents.nodes[name + 1]
            defer { name = Int(value.end) }
            if node.isDropped { continue }
            guard let member = members.find(node, contents) else {
                residue.keep(name, around)
                continue
            }
            switch member {
            case .column(let column):
                if !read(value, into: column, &writer) { residue.keep(name, around) }
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
                read(name + 1, table, around.inside(name), &deferred, &writer, &residue)
            }
        }
    }

    /// Reads a value into its column.
    ///
    /// - Returns: Whether the column says all that the value says.
    @inline(__always)
    private func read(_ value: TapeNode, into column: EndpointColumn, _ writer: inout RowWriter) -> Bool {
        let place = row &+ Int(column.rawValue)
        switch column.type {
        case .text:
            guard value.kind == .string else { return false }
            writer.set(place, writer.store(.text, value, contents))
            return value.isStorable
        case .time:
            guard value.kind == .string else { return false }
            return readDate(value, place, &writer)
        default:
            guard value.kind == .number else { return false }
            let number = JSONNumber.read(contents.source(value))
            if number.value.isFinite { writer.set(place, .real(number.value)) }
            return number.isExact
        }
    }

    private func readDate(_ value: TapeNode, _ place: Int, _ writer: inout RowWriter) -> Bool {
        if !value.flags.contains(.escaped), DateText.isCanonical(contents.source(value)) {
            writer.set(place, writer.store(.time, value, contents))
            return true
        }
        let date = DateText(value, contents)
        guard let canonical = date.canonical else { return false }
        let cell = writer.store(.time, count: canonical.count) { target in
            target.update(from: canonical, count: canonical.count)
            return canonical.count
        }
        writer.set(place, cell)
        return date.isExact && value.isStorable
    }
}
