/// A value of a `JSONTape`, for reading documents that are few: checkpoints, error bodies, tests.
///
/// What an edit or a later duplicate has dropped isn't there.
public struct JSONNode: Sendable {
    public let tape: JSONTape
    /// The node's place in the tape, for its edits.
    public let index: Int

    var node: TapeNode { tape[node: index] }

    public var kind: TapeNode.Kind { node.kind }
    public var isNull: Bool { kind == .null }

    public var boolean: Bool? {
        switch kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    /// A string's text, with U+FFFD for each lone surrogate.
    public var text: String? {
        guard kind == .string else { return nil }
        return tape.withContents { contents in
            let node = node
            return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(Int(node.length), 1)) { scratch in
                guard let output = scratch.baseAddress else { return "" }
                let count = JSONStrings.decode(
                    contents.bytes + Int(node.offset), Int(node.length), .string, into: output)
                return String(decoding: UnsafeBufferPointer(start: output, count: count), as: UTF8.self)
            }
        }
    }

    /// A string's UTF-8 with lone surrogates in their three-byte form (WTF-8); equal strings have equal bytes.
    public var textBytes: [UInt8]? {
        guard kind == .string else { return nil }
        return tape.withContents { contents in
            let node = node
            return [UInt8](unsafeUninitializedCapacity: Int(node.length)) { buffer, count in
                guard let output = buffer.baseAddress else { return }
                count = JSONStrings.decode(contents.bytes + Int(node.offset), Int(node.length), .kept, into: output)
            }
        }
    }

    /// A number without fraction and exponent that fits.
    public var integer: Int64? {
        guard kind == .number, node.flags.contains(.integer) else { return nil }
        return Int64(numberText)
    }

    /// A number as the nearest double; infinite where it overflows.
    public var double: Double? {
        guard kind == .number else { return nil }
        return tape.withContents { JSONNumber.double($0.source(node)) }
    }

    /// A number as it stands in the document.
    public var numberText: String {
        guard kind == .number else { return "" }
        return tape.withContents { String(decoding: $0.source(node), as: UTF8.self) }
    }

    /// A list's elements, in order; empty for anything else.
    public var elements: [JSONNode] {
        guard kind == .array else { return [] }
        var result: [JSONNode] = []
        var child = index + 1
        while child < Int(node.end) {
            if !tape[node: child].isDropped { result.append(JSONNode(tape: tape, index: child)) }
            child = Int(tape[node: child].end)
        }
        return result
    }

    /// A map's members, in order; empty for anything else.
    public var members: [(name: String, value: JSONNode)] {
        memberNames.map { name in
            (JSONNode(tape: tape, index: name).text ?? "", JSONNode(tape: tape, index: name + 1))
        }
    }

    /// The same with names as `textBytes` has them: names that differ in lone surrogates alone differ here.
    public var nameBytes: [(name: [UInt8], value: JSONNode)] {
        memberNames.map { name in
            (JSONNode(tape: tape, index: name).textBytes ?? [], JSONNode(tape: tape, index: name + 1))
        }
    }

    /// The nodes of a map's names; each one's value is the node behind it.
    var memberNames: [Int] {
        guard kind == .object else { return [] }
        var result: [Int] = []
        var child = index + 1
        while child < Int(node.end) {
            if !tape[node: child].isDropped { result.append(child) }
            child = Int(tape[node: child + 1].end)
        }
        return result
    }

    /// The value of the member with this name.
    public subscript(name: String) -> JSONNode? {
        tape.valueIndex(named: name, inObject: index).map { JSONNode(tape: tape, index: $0) }
    }
}

extension JSONTape {
    /// The value at a node of this tape.
    public func value(at index: Int) -> JSONNode { JSONNode(tape: self, index: index) }

    /// The node of a member's value; nil for what isn't a map or lacks the name.
    func valueIndex(named name: String, inObject index: Int) -> Int? {
        guard self[node: index].kind == .object else { return nil }
        var name = name
        return name.withUTF8 { name in
            withContents { contents in
                var child = index + 1
                while child < Int(contents.nodes[index].end) {
                    let candidate = contents.nodes[child]
                    if !candidate.isDropped, contents.equal(candidate, name) { return child + 1 }
                    child = Int(contents.nodes[child + 1].end)
                }
                return nil
            }
        }
    }
}
