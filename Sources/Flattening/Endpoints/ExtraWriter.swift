internal import PipelineCore

/// Writes values of a tape as compact JSON that `jsonb` can hold, spelled in one way whatever the source's escapes: without
/// white space, strings with the escapes that JSON demands and no others, numbers and the order of members as they came,
/// without what was dropped. So answers that say the same give the same bytes.
///
/// A string with U+0000 or a lone surrogate, a number beyond the range of `numeric`, and a map with such a name or with
/// a name `$json`, become `{"$json":"…"}`: their source text in ASCII.
struct ExtraWriter: Sendable {
    enum Form {
        /// What can't be stored is wrapped.
        case storable
        /// Source text in ASCII, nothing wrapped: what stands inside a wrapping.
        case source
    }

    var bytes: [UInt8] = []

    mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    mutating func append(_ character: Unicode.Scalar) { bytes.append(UInt8(ascii: character)) }

    /// Whether a member can stand in a stored map by this name.
    static func canName(_ contents: TapeContents, _ name: Int) -> Bool {
        let node = contents.nodes[name]
        return node.isStorable && !isWrapping(contents, node)
    }

    private static func isWrapping(_ contents: TapeContents, _ node: TapeNode) -> Bool {
        guard node.length >= 5, node.length <= 30 else { return false }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 5) { name in
            _ = name.initialize(from: "$json".utf8)
            return contents.equal(node, UnsafeBufferPointer(name))
        }
    }

    mutating func writeValue(_ contents: TapeContents, _ index: Int, _ form: Form) {
        let node = contents.nodes[index]
        switch node.kind {
        case .null, .true, .false: bytes.append(contentsOf: contents.source(node))
        case .number:
            if form == .storable, !JSONNumber.fitsNumeric(contents.source(node)) {
                let start = beginSource()
                bytes.append(contentsOf: contents.source(node))
                return endSource(start)
            }
            bytes.append(contentsOf: contents.source(node))
        case .string:
            if form == .storable, !node.isStorable {
                let start = beginSource()
                writeString(contents, index, .source)
                return endSource(start)
            }
            writeString(contents, index, form)
        case .array: writeArray(contents, index, form)
        case .object: writeObject(contents, index, form)
        }
    }

    private mutating func writeArray(_ contents: TapeContents, _ index: Int, _ form: Form) {
        append("[")
        var isFirst = true
        var child = index + 1
        let end = Int(contents.nodes[index].end)
        while child < end {
            if !contents.nodes[child].isDropped {
                if !isFirst { append(",") }
                isFirst = false
                writeValue(contents, child, form)
            }
            child = Int(contents.nodes[child].end)
        }
        append("]")
    }

    private mutating func writeObject(_ contents: TapeContents, _ index: Int, _ form: Form) {
        let end = Int(contents.nodes[index].end)
        if form == .storable {
            var name = index + 1
            while name < end {
                if !contents.nodes[name].isDropped, !Self.canName(contents, name) {
                    let start = beginSource()
                    writeObject(contents, index, .source)
                    return endSource(start)
                }
                name = Int(contents.nodes[name + 1].end)
            }
        }
        append("{")
        var isFirst = true
        var name = index + 1
        while name < end {
            if !contents.nodes[name].isDropped {
                if !isFirst { append(",") }
                isFirst = false
                writeString(contents, name, form)
                append(":")
                writeValue(contents, name + 1, form)
            }
            name = Int(contents.nodes[name + 1].end)
        }
        append("}")
    }

    /// Writes a string; in source form with `\u` escapes for all that isn't ASCII.
    mutating func writeString(_ contents: TapeContents, _ index: Int, _ form: Form) {
        let node = contents.nodes[index]
        let source = contents.source(node)
        append("\"")
        if !node.flags.contains(.escaped), form == .storable || source.allSatisfy({ $0 < 0x80 }) {
            // Nothing in it needs an escape, and nothing has one.
            bytes.append(contentsOf: source)
        } else {
            contents.forEachCodePoint(of: node) { appendCharacter($0, form) }
        }
        append("\"")
    }

    private mutating func appendCharacter(_ point: UInt32, _ form: Form) {
        switch point {
        case 0x22, 0x5C:
            append("\\")
            bytes.append(UInt8(point))
        case 0x0A: bytes.append(contentsOf: "\\n".utf8)
        case 0x0D: bytes.append(contentsOf: "\\r".utf8)
        case 0x09: bytes.append(contentsOf: "\\t".utf8)
        case ..<0x20: appendEscape(UInt16(point))
        case ..<0x80: bytes.append(UInt8(point))
        default:
            // A lone surrogate stands in source form alone: no storable string has one.
            if form == .storable, let scalar = Unicode.Scalar(point) {
                bytes.append(contentsOf: String(Character(scalar)).utf8)
            } else if point < 0x10000 {
                appendEscape(UInt16(point))
            } else {
                appendEscape(UInt16(0xD800 + (point - 0x10000) >> 10))
                appendEscape(UInt16(0xDC00 + (point - 0x10000) & 0x3FF))
            }
        }
    }

    private mutating func appendEscape(_ unit: UInt16) {
        bytes.append(contentsOf: "\\u".utf8)
        for shift in [12, 8, 4, 0] {
            let digit = UInt8(unit >> UInt16(shift) & 15)
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    // MARK: Wrapping

    /// Source text is to follow, which `endSource` wraps.
    mutating func beginSource() -> Int { bytes.count }

    /// Puts the source text that was written since `start` into `{"$json":"…"}`. It is ASCII without control characters: the
    /// text of a string has escapes for them.
    mutating func endSource(_ start: Int) {
        let source = Array(bytes[start...])
        bytes.removeLast(source.count)
        bytes.append(contentsOf: #"{"$json":""#.utf8)
        for byte in source {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { append("\\") }
            bytes.append(byte)
        }
        bytes.append(contentsOf: #""}"#.utf8)
    }
}
