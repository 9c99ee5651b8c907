internal import PipelineCore

/// The maps of an endpoint → rows of their own. In all of them `map` is the node of the map's name and `id` that of the
/// endpoint's ID.
extension BatchRows {
    mutating func appendAttributes(_ map: Int, _ id: TapeNode, _ contents: TapeContents) {
        let runID = hasRunInParts ? attributes.runID : nil
        Self.appendLists(map, .endpoint, id, nil, runID, contents, to: &attributes, residue: &residue)
    }

    mutating func appendUserAttributes(
        _ map: Int, _ around: UnmappedMembers.Around, _ id: TapeNode, _ contents: TapeContents
    ) {
        let user = userOfAttributes()
        let runID = hasRunInParts ? userAttributes.runID : nil
        Self.appendLists(map, around, id, user, runID, contents, to: &userAttributes, residue: &residue)
    }

    /// A row for each string of each list.
    private static func appendLists(
        _ map: Int, _ around: UnmappedMembers.Around, _ id: TapeNode, _ user: Cell?, _ runID: Cell?,
        _ contents: TapeContents, to table: inout TableRows, residue: inout UnmappedMembers
    ) {
        guard let inside = enter(map, around, contents, &residue) else { return }
        let end = Int(contents.nodes[map + 1].end)
        let application = table.applicationID
        let rows = end - map
        let bytes = contents.bound(map + 1) + Int(id.length)
        table.builder.write(cells: rows * table.builder.columnCount, bytes: bytes) { writer in
            let idCell = writer.store(.text, id, contents)
            var name = map + 2
            while name < end {
                let node = contents.nodes[name]
                let list = contents.nodes[name + 1]
                defer { name = Int(list.end) }
                if node.isDropped { continue }
                guard list.kind == .array, node.isStorable else {
                    residue.keep(name, inside)
                    continue
                }
                let nameCell = writer.store(.text, node, contents)
                var position: Int64 = 0
                var isWhole = true
                var element = name + 2
                while element < Int(list.end) {
                    let value = contents.nodes[element]
                    element = Int(value.end)
                    if value.isDropped { continue }
                    if value.kind == .string {
                        let text = writer.store(.text, value, contents)
                        writer.append(application)
                        writer.append(idCell)
                        if let user { writer.append(user) }
                        writer.append(nameCell)
                        writer.append(.integer(position))
                        writer.append(text)
                        if let runID { writer.append(runID) }
                        if !value.isStorable { isWhole = false }
                    } else {
                        isWhole = false
                    }
                    position &+= 1
                }
                if position == 0 || !isWhole { residue.keep(name, inside) }
            }
        }
    }

    /// A row for each number.
    mutating func appendMetrics(_ map: Int, _ id: TapeNode, _ contents: TapeContents) {
        guard let inside = Self.enter(map, .endpoint, contents, &residue) else { return }
        let end = Int(contents.nodes[map + 1].end)
        let application = metrics.applicationID
        let runID = hasRunInParts ? metrics.runID : nil
        let rows = end - map
        let bytes = contents.bound(map + 1) + Int(id.length)
        metrics.builder.write(cells: rows * metrics.builder.columnCount, bytes: bytes) { writer in
            let idCell = writer.store(.text, id, contents)
            var name = map + 2
            while name < end {
                let node = contents.nodes[name]
                let value = contents.nodes[name + 1]
                defer { name = Int(value.end) }
                if node.isDropped { continue }
                guard value.kind == .number, node.isStorable else {
                    residue.keep(name, inside)
                    continue
                }
                let number = JSONNumber.read(contents.source(value))
                if !number.isExact { residue.keep(name, inside) }
                guard number.value.isFinite else { continue }
                let nameCell = writer.store(.text, node, contents)
                writer.append(application)
                writer.append(idCell)
                writer.append(nameCell)
                writer.append(.real(number.value))
                if let runID { writer.append(runID) }
            }
        }
    }

    /// Gives what stands around a map's members; nil where it has none, or isn't a map, and is kept whole.
    static func enter(
        _ map: Int, _ around: UnmappedMembers.Around, _ contents: TapeContents, _ residue: inout UnmappedMembers
    ) -> UnmappedMembers.Around? {
        if contents.nodes[map + 1].kind == .object, !contents.isEmpty(map + 1) { return around.inside(map) }
        residue.keep(map, around)
        return nil
    }
}
