internal import PipelineCore

/// The maps of an endpoint → rows of their own. In all of them `name` is the node of the map's name and `id` that of the
/// endpoint's ID.
extension BatchRows {
    mutating func appendAttributes(_ name: Int, _ id: TapeNode, _ contents: TapeContents) {
        guard let map = EndpointMap(name, .endpoint, contents, residue: &residue) else { return }
        let runID = hasRunInParts ? attributes.runID : nil
        Self.appendLists(map, id, nil, runID, contents, to: &attributes, residue: &residue)
    }

    mutating func appendUserAttributes(
        _ name: Int, _ around: UnmappedMembers.Around, _ id: TapeNode, _ contents: TapeContents
    ) {
        let user = userOfAttributes()
        guard let map = EndpointMap(name, around, contents, residue: &residue) else { return }
        let runID = hasRunInParts ? userAttributes.runID : nil
        Self.appendLists(map, id, user, runID, contents, to: &userAttributes, residue: &residue)
    }

    /// A row for each string of each list.
    private static func appendLists(
        _ map: EndpointMap, _ id: TapeNode, _ user: Cell?, _ runID: Cell?, _ contents: TapeContents,
        to table: inout TableRows, residue: inout UnmappedMembers
    ) {
        let application = table.applicationID
        write(map, id, contents, to: &table) { writer, idCell in
            map.forEachEntry(.array, contents, residue: &residue) { name, list in
                let nameCell = writer.store(.text, name, contents)
                return contents.forEachString(in: list) { value, position in
                    let text = writer.store(.text, value, contents)
                    writer.append(application)
                    writer.append(idCell)
                    if let user { writer.append(user) }
                    writer.append(nameCell)
                    writer.append(.integer(position))
                    writer.append(text)
                    if let runID { writer.append(runID) }
                }
            }
        }
    }

    /// A row for each number.
    mutating func appendMetrics(_ name: Int, _ id: TapeNode, _ contents: TapeContents) {
        guard let map = EndpointMap(name, .endpoint, contents, residue: &residue) else { return }
        let application = metrics.applicationID
        let runID = hasRunInParts ? metrics.runID : nil
        Self.write(map, id, contents, to: &metrics) { writer, idCell in
            map.forEachNumber(contents, residue: &residue) { name, number in
                let nameCell = writer.store(.text, name, contents)
                writer.append(application)
                writer.append(idCell)
                writer.append(nameCell)
                writer.append(.real(number))
                if let runID { writer.append(runID) }
            }
        }
    }

    /// Makes room for all rows of a map, stores the endpoint's ID, and lends the writer with the ID's cell.
    @inline(__always)
    private static func write(
        _ map: EndpointMap, _ id: TapeNode, _ contents: TapeContents, to table: inout TableRows,
        _ body: (inout RowWriter, Cell) -> Void
    ) {
        // An entry has two nodes at least, and each element of a list one.
        let rows = Int(contents.nodes[map.name + 1].end) - map.name
        let bytes = contents.bound(map.name + 1) + Int(id.length)
        table.builder.write(cells: rows * table.builder.columnCount, bytes: bytes) { writer in
            let idCell = writer.store(.text, id, contents)
            body(&writer, idCell)
        }
    }
}
