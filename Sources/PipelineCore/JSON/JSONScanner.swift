/// The validating pass: reads each byte once, writes one node for each value and name.
///
/// Unsafe inside, safe outside: every load is guarded by `end`, every node write by `capacity`.
struct JSONScanner: ~Copyable {
    let base: UnsafePointer<UInt8>
    let end: Int
    let depthLimit: Int
    let names = NameHash.current
    /// The caller's room for nodes, or `overflow` once that is full.
    private(set) var nodes: UnsafeMutablePointer<TapeNode>
    private(set) var count = 0
    private var capacity: Int
    /// Set once the nodes didn't fit: they stand here instead.
    private(set) var overflow: UnsafeMutablePointer<TapeNode>?

    /// - Parameter room: Uninitialised; used for the nodes as long as they fit.
    init(
        _ bytes: UnsafeBufferPointer<UInt8>, base: UnsafePointer<UInt8>, depthLimit: Int,
        room: UnsafeMutableBufferPointer<TapeNode>
    ) {
        self.base = base
        end = bytes.count
        self.depthLimit = depthLimit
        if let start = room.baseAddress {
            nodes = start
            capacity = room.count
        } else {
            nodes = .allocate(capacity: 16)
            overflow = nodes
            capacity = 16
        }
    }

    deinit { overflow?.deallocate() }

    mutating func document() throws(JSONDecodingError) {
        if end >= 3, base[0] == 0xEF, base[1] == 0xBB, base[2] == 0xBF {
            throw JSONDecodingError(.byteOrderMark, at: 0)
        }
        var index = try value(skipSpace(0), depth: 0)
        index = skipSpace(index)
        if index < end { throw JSONDecodingError(.trailingContent, at: index) }
    }

    // MARK: Nodes

    @inline(__always)
    private mutating func push(_ node: TapeNode) {
        if count == capacity { grow() }
        (nodes + count).initialize(to: node)
        count &+= 1
    }

    @inline(never)
    private mutating func grow() {
        let larger = UnsafeMutablePointer<TapeNode>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: nodes, count: count)
        overflow?.deallocate()
        overflow = larger
        nodes = larger
        capacity *= 2
    }

    // MARK: Grammar

    @inline(__always)
    private func skipSpace(_ start: Int) -> Int {
        var index = start
        while index < end {
            let byte = base[index]
            if byte > 0x20 { break }
            if byte != 0x20 && byte != 0x0A && byte != 0x0D && byte != 0x09 { break }
            index &+= 1
        }
        return index
    }

    @inline(__always)
    private mutating func value(_ index: Int, depth: Int) throws(JSONDecodingError) -> Int {
        guard index < end else { throw JSONDecodingError(.unexpectedEnd, at: end) }
        let byte = base[index]
        if byte == UInt8(ascii: "\"") {
            var flags: UInt8 = 0
            let close = try string(index &+ 1, &flags)
            push(
                TapeNode(
                    kind: .string, flags: .init(rawValue: flags), offset: index &+ 1, length: close &- index &- 1,
                    end: count &+ 1))
            return close &+ 1
        }
        switch byte {
        case UInt8(ascii: "["): return try array(index, depth: depth &+ 1)
        case UInt8(ascii: "{"): return try object(index, depth: depth &+ 1)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): return try number(index)
        case UInt8(ascii: "t"): return try literal("true", .true, index)
        case UInt8(ascii: "f"): return try literal("false", .false, index)
        case UInt8(ascii: "n"): return try literal("null", .null, index)
        default: throw JSONDecodingError(.unexpectedByte, at: index)
        }
    }

    private mutating func array(_ start: Int, depth: Int) throws(JSONDecodingError) -> Int {
        if depth > depthLimit { throw JSONDecodingError(.tooDeep, at: start) }
        let node = count
        push(TapeNode(kind: .array, offset: start, length: 0, end: 0))
        var index = skipSpace(start &+ 1)
        if index < end, base[index] == UInt8(ascii: "]") { return close(node, start, index) }
        while true {
            index = skipSpace(try value(index, depth: depth))
            guard index < end else { throw JSONDecodingError(.unexpectedEnd, at: end) }
            if base[index] == UInt8(ascii: ",") {
                index = skipSpace(index &+ 1)
            } else if base[index] == UInt8(ascii: "]") {
                return close(node, start, index)
            } else {
                throw JSONDecodingError(.expectedCommaOrEnd, at: index)
            }
        }
    }

    private mutating func object(_ start: Int, depth: Int) throws(JSONDecodingError) -> Int {
        if depth > depthLimit { throw JSONDecodingError(.tooDeep, at: start) }
        let node = count
        push(TapeNode(kind: .object, offset: start, length: 0, end: 0))
        var index = skipSpace(start &+ 1)
        if index < end, base[index] == UInt8(ascii: "}") { return close(node, start, index) }
        var members = 0
        // One bit for each name so far: a name whose bit is clear is no duplicate.
        var seen: UInt64 = 0
        while true {
            guard index < end else { throw JSONDecodingError(.unexpectedEnd, at: end) }
            guard base[index] == UInt8(ascii: "\"") else { throw JSONDecodingError(.expectedName, at: index) }
            var flags: UInt8 = TapeNode.Flags.name.rawValue
            let nameEnd = try string(index &+ 1, &flags)
            let offset = index &+ 1
            var name = TapeNode(
                kind: .string, flags: .init(rawValue: flags), offset: offset, length: nameEnd &- offset, end: count &+ 1
            )
            let hash = names.of(base, end, name)
            name.hash = UInt16(truncatingIfNeeded: hash)
            let bit: UInt64 = 1 &<< (hash &>> 58)
            if seen & bit != 0, members < Self.fewMembers { dropEarlier(equalTo: name, inObject: node) }
            seen |= bit
            members &+= 1
            push(name)
            index = skipSpace(nameEnd &+ 1)
            guard index < end else { throw JSONDecodingError(.unexpectedEnd, at: end) }
            guard base[index] == UInt8(ascii: ":") else { throw JSONDecodingError(.expectedColon, at: index) }
            index = skipSpace(try value(skipSpace(index &+ 1), depth: depth))
            guard index < end else { throw JSONDecodingError(.unexpectedEnd, at: end) }
            if base[index] == UInt8(ascii: ",") {
                index = skipSpace(index &+ 1)
            } else if base[index] == UInt8(ascii: "}") {
                if members > Self.fewMembers { dropDuplicates(inObject: node, members: members) }
                return close(node, start, index)
            } else {
                throw JSONDecodingError(.expectedCommaOrEnd, at: index)
            }
        }
    }

    @inline(__always)
    private func close(_ node: Int, _ start: Int, _ index: Int) -> Int {
        nodes[node].end = UInt32(truncatingIfNeeded: count)
        nodes[node].length = UInt32(truncatingIfNeeded: index &+ 1 &- start)
        return index &+ 1
    }

    private mutating func literal(
        _ word: StaticString, _ kind: TapeNode.Kind, _ start: Int
    ) throws(JSONDecodingError) -> Int {
        let length = word.utf8CodeUnitCount
        for offset in 0..<length {
            guard start &+ offset < end else { throw JSONDecodingError(.unexpectedEnd, at: end) }
            guard base[start &+ offset] == word.utf8Start[offset] else {
                throw JSONDecodingError(.invalidLiteral, at: start)
            }
        }
        push(TapeNode(kind: kind, offset: start, length: length, end: count &+ 1))
        return start &+ length
    }

    private mutating func number(_ start: Int) throws(JSONDecodingError) -> Int {
        var index = start
        var flags: TapeNode.Flags = .integer
        if base[index] == UInt8(ascii: "-") { index &+= 1 }
        guard index < end else { throw JSONDecodingError(.unexpectedEnd, at: end) }
        if base[index] == UInt8(ascii: "0") {
            index &+= 1
            if index < end, base[index] &- UInt8(ascii: "0") < 10 { throw JSONDecodingError(.invalidNumber, at: start) }
        } else {
            index = try digits(index)
        }
        if index < end, base[index] == UInt8(ascii: ".") {
            flags = []
            index = try digits(index &+ 1)
        }
        if index < end, base[index] | 0x20 == UInt8(ascii: "e") {
            flags = []
            index &+= 1
            if index < end, base[index] == UInt8(ascii: "+") || base[index] == UInt8(ascii: "-") { index &+= 1 }
            index = try digits(index)
        }
        push(TapeNode(kind: .number, flags: flags, offset: start, length: index &- start, end: count &+ 1))
        return index
    }

    /// One digit or more.
    @inline(__always)
    private func digits(_ start: Int) throws(JSONDecodingError) -> Int {
        var index = start
        while index < end, base[index] &- UInt8(ascii: "0") < 10 { index &+= 1 }
        guard index > start else {
            throw index == end
                ? JSONDecodingError(.unexpectedEnd, at: end) : JSONDecodingError(.invalidNumber, at: start)
        }
        return index
    }
}
