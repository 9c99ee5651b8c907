internal import PipelineCore

/// The maps of an endpoint → rows of their own.
extension BatchRows {
    /// - Parameters:
    ///   - map: The node of the map's name.
    ///   - id: The node of the endpoint's ID.
    mutating func appendAttributes(_ map: Int, _ id: TapeNode, _ contents: TapeContents) {
        let runID = hasRunInParts ? attributes.runID : nil
        Self.appendLists(map, .endpoint, id, nil, runID, contents, to: &attributes, residue: &residue)
    }

    mutating func appendUserAttributes(
        _ map: Int, _ around: Residue.Around, _ id: TapeNode, _ contents: TapeContents
    ) {
        let user = userOfAttributes()
        let runID = hasRunInParts ? userAttributes.runID : nil
        Self.appendLists(map, around, id, user, runID, contents, to: &userAttributes, residue: &residue)
    }

    /// A row for each string of each list.
    private static func appendLists(
        _ map: Int, _ around: Residue.Around, _ id: TapeNode, _ user: Cell?, _ runID: Cell?,
        _ contents: TapeContents, to table: inout TableRows, residue: inout Residue
    ) {
        guard contents.nodes[map + 1].kind == .object, !contents.isEmpty(map + 1) else {
            return residue.keep(map, around)
        }
        let inside = around.inside(map)
        var idCell: Cell?
        var name = map + 2
        let end = Int(contents.nodes[map + 1].end)
        while name < end {
            let node = contents.nodes[name]
            let list = contents.nodes[name + 1]
            defer { name = Int(list.end) }
            if node.isDropped { continue }
            guard list.kind == .array, node.isStorable else {
                residue.keep(name, inside)
                continue
            }
            var nameCell: Cell?
            var position: Int64 = 0
            var isWhole = true
            var element = name + 2
            while element < Int(list.end) {
                let value = contents.nodes[element]
                element = Int(value.end)
                if value.isDropped { continue }
                if value.kind == .string {
                    let id = idCell ?? table.store(id, contents)
                    idCell = id
                    let name = nameCell ?? table.store(node, contents)
                    nameCell = name
                    let text = table.store(value, contents)
                    table.buffer.append(table.applicationID)
                    table.buffer.append(id)
                    if let user { table.buffer.append(user) }
                    table.buffer.append(name)
                    table.buffer.append(.integer(position))
                    table.buffer.append(text)
                    if let runID { table.buffer.append(runID) }
                    if !value.isStorable { isWhole = false }
                } else {
                    isWhole = false
                }
                position += 1
            }
            if position == 0 || !isWhole { residue.keep(name, inside) }
        }
    }

    /// A row for each number.
    mutating func appendMetrics(_ map: Int, _ id: TapeNode, _ contents: TapeContents) {
        guard contents.nodes[map + 1].kind == .object, !contents.isEmpty(map + 1) else {
            return residue.keep(map, .endpoint)
        }
        let inside = Residue.Around.endpoint.inside(map)
        var idCell: Cell?
        var name = map + 2
        let end = Int(contents.nodes[map + 1].end)
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
            let id = idCell ?? metrics.store(id, contents)
            idCell = id
            let nameCell = metrics.store(node, contents)
            metrics.buffer.append(metrics.applicationID)
            metrics.buffer.append(id)
            metrics.buffer.append(nameCell)
            metrics.buffer.append(.real(number.value))
            if hasRunInParts { metrics.buffer.append(metrics.runID) }
        }
    }
}
