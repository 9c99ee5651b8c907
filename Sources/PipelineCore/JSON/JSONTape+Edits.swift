/// One step from a map to one of its values, or to all of them.
public enum JSONPathStep: Sendable, Hashable {
    /// The decoded name of a member.
    case name(String)
    /// Every member.
    case any

    /// `*` stands for every name.
    public init(_ text: String) { self = text == "*" ? .any : .name(text) }
}

extension JSONTape {
    /// The values that a path leads to from a node, in document order; steps go through maps only.
    public func indexes(at path: [JSONPathStep], below index: Int) -> [Int] {
        path.reduce([index]) { reached, step in
            reached.flatMap { index -> [Int] in
                switch step {
                case .name(let name): valueIndex(named: name, inObject: index).map { [$0] } ?? []
                case .any: JSONNode(tape: self, index: index).memberNames.map { $0 + 1 }
                }
            }
        }
    }

    /// The nodes of a list's elements, in order.
    public func elementIndexes(of index: Int) -> [Int] {
        JSONNode(tape: self, index: index).elements.map(\.index)
    }

    /// The same with the elements that were taken out of it.
    func elementIndexes(of index: Int, includingDropped: Bool) -> [Int] {
        guard includingDropped, self[node: index].kind == .array else { return elementIndexes(of: index) }
        var result: [Int] = []
        var child = index + 1
        while child < Int(self[node: index].end) {
            result.append(child)
            child = Int(self[node: child].end)
        }
        return result
    }

    /// True for an element that was taken out of its list.
    public func isDropped(_ index: Int) -> Bool { self[node: index].isDropped }

    /// Takes an element out of its list.
    public mutating func dropElement(_ index: Int) {
        precondition(!self[node: index].flags.contains(.name), "not an element")
        self[node: index].flags.insert(.dropped)
    }

    /// Takes the members that a path leads to out of their maps.
    ///
    /// - Returns: How many there were.
    @discardableResult
    public mutating func dropMembers(at path: [JSONPathStep], below index: Int) -> Int {
        precondition(!path.isEmpty, "a path that leads to a member has a step")
        let values = indexes(at: path, below: index)
        // A value's name stands directly before it.
        for value in values { self[node: value - 1].flags.insert(.dropped) }
        return values.count
    }

    /// Takes a member out of its map, by the node of its value.
    public mutating func dropMember(_ value: Int) {
        precondition(value > 0 && self[node: value - 1].flags.contains(.name), "not a member's value")
        self[node: value - 1].flags.insert(.dropped)
    }

    /// Puts a text in a value's place, whatever that was.
    public mutating func replace(_ index: Int, with text: String) {
        let old = self[node: index]
        precondition(!old.flags.contains(.name), "a name can't be replaced")
        var writer = JSONWriter()
        writer.value(text)
        let escaped = writer.bytes.contains(UInt8(ascii: "\\"))
        let offset = appendSource(writer.bytes)
        var flags = old.flags.intersection(.dropped)
        if escaped { flags.insert(.escaped) }
        if text.utf8.contains(0) { flags.insert(.null) }
        // A list or map keeps its end: what stood in it is stepped over.
        self[node: index] = TapeNode(
            kind: .string, flags: flags, offset: offset + 1, length: writer.bytes.count - 2, end: Int(old.end))
    }
}
