internal import PipelineCore

/// The cells of an endpoint's maps.
struct MapCells {
    var attributes: Cell
    var metrics: Cell
    var userAttributes: Cell
}

/// The maps of an endpoint → JSON in columns of its row. They hold what rows of their own would: `extra` takes the same in
/// both layouts. A map without anything in it, or none, is an empty one.
extension BatchRows {
    mutating func storeMaps(_ deferred: DeferredMembers, _ contents: TapeContents, _ form: MapForm) -> MapCells {
        let empty = form == .object ? endpoints.emptyMap : endpoints.emptyList
        var cells = MapCells(attributes: empty, metrics: empty, userAttributes: empty)
        if deferred.attributes > 0 {
            cells.attributes = storeLists(deferred.attributes, .endpoint, contents, form) ?? empty
        }
        if deferred.metrics > 0 { cells.metrics = storeMetrics(deferred.metrics, contents, form) ?? empty }
        if deferred.userAttributes > 0 {
            let around = UnmappedMembers.Around.endpoint.inside(deferred.user)
            cells.userAttributes = storeLists(deferred.userAttributes, around, contents, form) ?? empty
        }
        return cells
    }

    /// `{"name":["value"]}` or `[{"name":"name","values":["value"]}]`: of each list its strings.
    ///
    /// - Returns: Nil where nothing is in it.
    private mutating func storeLists(
        _ name: Int, _ around: UnmappedMembers.Around, _ contents: TapeContents, _ form: MapForm
    ) -> Cell? {
        guard let map = EndpointMap(name, around, contents, residue: &residue) else { return nil }
        document.clear()
        map.forEachEntry(.array, contents, residue: &residue) { name, list in
            var isEmpty = true
            let isWhole = contents.forEachString(in: list) { value, _ in
                if isEmpty {
                    document.beginEntry(name, "values", contents, form)
                    document.append("[")
                } else {
                    document.append(",")
                }
                isEmpty = false
                document.writeText(value, contents)
            }
            if !isEmpty {
                document.append("]")
                document.endEntry(form)
            }
            return isWhole
        }
        return storeDocument(form)
    }

    /// `{"name":1.5}` or `[{"name":"name","value":1.5}]`
    ///
    /// - Returns: Nil where nothing is in it.
    private mutating func storeMetrics(_ name: Int, _ contents: TapeContents, _ form: MapForm) -> Cell? {
        guard let map = EndpointMap(name, .endpoint, contents, residue: &residue) else { return nil }
        document.clear()
        map.forEachNumber(contents, residue: &residue) { name, number in
            document.beginEntry(name, "value", contents, form)
            document.bytes.append(contentsOf: number.description.utf8)
            document.endEntry(form)
        }
        return storeDocument(form)
    }

    private mutating func storeDocument(_ form: MapForm) -> Cell? {
        guard !document.bytes.isEmpty else { return nil }
        document.append(form == .object ? "}" : "]")
        return document.bytes.withUnsafeBytes { endpoints.builder.store(.json, $0) }
    }
}

extension ExtraWriter {
    /// Begins an entry of a map, and the map itself before the first one.
    fileprivate mutating func beginEntry(
        _ name: TapeNode, _ key: StaticString, _ contents: TapeContents, _ form: MapForm
    ) {
        append(bytes.isEmpty ? (form == .object ? "{" : "[") : ",")
        switch form {
        case .object: writeText(name, contents)
        case .entries:
            bytes.append(contentsOf: #"{"name":"#.utf8)
            writeText(name, contents)
            bytes.append(contentsOf: #",""#.utf8)
            key.withUTF8Buffer { bytes.append(contentsOf: $0) }
            append("\"")
        }
        append(":")
    }

    fileprivate mutating func endEntry(_ form: MapForm) {
        if form == .entries { append("}") }
    }

    /// Writes a string as a column can hold it: U+FFFD for U+0000 and for lone surrogates.
    mutating func writeText(_ node: TapeNode, _ contents: TapeContents) {
        if node.isStorable {
            append("\"")
            bytes.append(contentsOf: contents.source(node))
            append("\"")
            return
        }
        let text = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(Int(node.length), 1)) { scratch in
            guard let start = scratch.baseAddress else { return "" }
            let count = contents.decode(node, into: start)
            return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
        }
        var writer = JSONWriter()
        writer.value(text)
        bytes.append(contentsOf: writer.bytes)
    }
}
