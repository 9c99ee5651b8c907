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
        _ map: Int, _ around: UnmappedMembers.Around, _ contents: TapeContents, _ form: MapForm
    ) -> Cell? {
        guard let inside = Self.enter(map, around, contents, &residue) else { return nil }
        document.clear()
        let end = Int(contents.nodes[map + 1].end)
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
            var isEmpty = true
            var isWhole = true
            var element = name + 2
            while element < Int(list.end) {
                let value = contents.nodes[element]
                defer { element = Int(value.end) }
                if value.isDropped { continue }
                guard value.kind == .string else {
                    isWhole = false
                    continue
                }
                if !value.isStorable { isWhole = false }
                if isEmpty {
                    document.beginEntry(name, "values", contents, form)
                    document.append("[")
                } else {
                    document.append(",")
                }
                isEmpty = false
                document.writeText(value, contents)
            }
            if isEmpty || !isWhole { residue.keep(name, inside) }
            if !isEmpty {
                document.append("]")
                document.endEntry(form)
            }
        }
        return storeDocument(form)
    }

    /// `{"name":1.5}` or `[{"name":"name","value":1.5}]`
    ///
    /// - Returns: Nil where nothing is in it.
    private mutating func storeMetrics(_ map: Int, _ contents: TapeContents, _ form: MapForm) -> Cell? {
        guard let inside = Self.enter(map, .endpoint, contents, &residue) else { return nil }
        document.clear()
        let end = Int(contents.nodes[map + 1].end)
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
            document.beginEntry(name, "value", contents, form)
            document.bytes.append(contentsOf: number.value.description.utf8)
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
    /// Begins an entry of a map, and in front of the first one the map.
    fileprivate mutating func beginEntry(
        _ name: Int, _ key: StaticString, _ contents: TapeContents, _ form: MapForm
    ) {
        append(bytes.isEmpty ? (form == .object ? "{" : "[") : ",")
        switch form {
        case .object: writeText(contents.nodes[name], contents)
        case .entries:
            bytes.append(contentsOf: #"{"name":"#.utf8)
            writeText(contents.nodes[name], contents)
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
