internal import PipelineCore

/// Finds a pulled column's value in an endpoint.
struct ColumnPuller: Sendable {
    let form: PulledColumn.Form
    /// Names in UTF-8, from the outside in.
    private let path: [[UInt8]]

    init(_ column: PulledColumn) {
        form = column.form
        path = column.path.map { Array($0.utf8) }
    }

    /// The nodes of the names on the way; nil where the endpoint has no such member.
    func find(in endpoint: Int, _ contents: TapeContents) -> [Int]? {
        var names: [Int] = []
        names.reserveCapacity(path.count)
        var object = endpoint
        for step in path {
            guard let name = step.withUnsafeBufferPointer({ contents.name($0, in: object) }) else { return nil }
            names.append(name)
            object = name + 1
        }
        return names
    }
}

extension BatchRows {
    /// The cells of the pulled columns. What should be a number and isn't is counted and goes to the residue.
    mutating func pull(_ endpoint: Int, _ contents: TapeContents) -> [Cell] {
        pulled.map { column in
            guard let names = column.find(in: endpoint, contents), let name = names.last else { return .null }
            let value = name + 1
            switch column.form {
            case .first:
                guard let node = contents.firstScalar(of: value) else { return .null }
                return storeText(contents.nodes[node], contents)
            case .joined(let separator): return join(value, separator, contents)
            case .json:
                if contents.nodes[value].kind == .null { return .null }
                document.clear()
                document.writeValue(contents, value, .storable)
                return document.bytes.withUnsafeBytes { endpoints.builder.store(.json, $0) }
            case .number:
                guard !contents.holdsNothing(value) else { return .null }
                if let number = contents.firstScalar(of: value).flatMap({ contents.number($0) }) {
                    return .real(number)
                }
                tally.notNumbers += 1
                residue.keepOnce(names)
                return .null
            }
        }
    }

    /// A string, or the source text of a number, `true` or `false`.
    private mutating func storeText(_ node: TapeNode, _ contents: TapeContents) -> Cell {
        if node.kind == .string {
            return endpoints.builder.write(cells: 0, bytes: Int(node.length)) { $0.store(.text, node, contents) }
        }
        return endpoints.builder.store(.text, UnsafeRawBufferPointer(contents.source(node)))
    }

    private mutating func join(_ value: Int, _ separator: String, _ contents: TapeContents) -> Cell {
        var joined: [UInt8] = []
        var isFirst = true
        contents.forEachScalar(of: value) { index in
            if !isFirst { joined.append(contentsOf: separator.utf8) }
            isFirst = false
            let node = contents.nodes[index]
            joined.append(contentsOf: node.kind == .string ? text(node, contents) : Array(contents.source(node)))
        }
        if isFirst { return .null }
        return joined.withUnsafeBytes { endpoints.builder.store(.text, $0) }
    }
}

extension TapeContents {
    /// The strings, numbers, `true` and `false` of a list, or such a value itself.
    fileprivate func forEachScalar(of index: Int, _ body: (Int) -> Void) {
        switch nodes[index].kind {
        case .null, .object: break
        case .string, .number, .true, .false: body(index)
        case .array:
            var element = index + 1
            while element < Int(nodes[index].end) {
                let node = nodes[element]
                switch node.kind {
                case .string, .number, .true, .false: if !node.isDropped { body(element) }
                case .null, .object, .array: break
                }
                element = Int(node.end)
            }
        }
    }

    fileprivate func firstScalar(of index: Int) -> Int? {
        var first: Int?
        forEachScalar(of: index) { if first == nil { first = $0 } }
        return first
    }

    /// Null, or a list or map without anything but nulls in it.
    fileprivate func holdsNothing(_ index: Int) -> Bool {
        switch nodes[index].kind {
        case .null: return true
        case .object: return isEmpty(index)
        case .array:
            var element = index + 1
            while element < Int(nodes[index].end) {
                if !nodes[element].isDropped, nodes[element].kind != .null { return false }
                element = Int(nodes[element].end)
            }
            return true
        case .string, .number, .true, .false: return false
        }
    }

    /// A number, or a string that says one as JSON does; nil where a double can't hold it.
    fileprivate func number(_ index: Int) -> Double? {
        let node = nodes[index]
        switch node.kind {
        case .number: break
        case .string:
            guard !node.flags.contains(.escaped), JSONNumber.isNumber(source(node)) else { return nil }
        case .null, .true, .false, .array, .object: return nil
        }
        let value = JSONNumber.read(source(node)).value
        return value.isFinite ? value : nil
    }
}
