import PipelineCore

/// A JSON value as it is compared here: strings by code unit, numbers by their decimal value, maps without order.
indirect enum WireValue: Hashable {
    case null
    case boolean(Bool)
    /// Sign, digits without zeros around them, and the power of ten behind the last one; zero has none of them.
    case number(isNegative: Bool, digits: [UInt8], exponent: Int)
    case string([UInt16])
    case list([WireValue])
    case map([[UInt16]: WireValue])

    /// - Parameter source: a number as JSON spells it, or as Swift describes a double.
    static func number(_ source: String) -> WireValue {
        var text = Substring(source)
        let isNegative = text.first == "-"
        if isNegative { text = text.dropFirst() }
        let mantissa = text.prefix { $0 != "e" && $0 != "E" }
        var exponent = Int(text.dropFirst(mantissa.count + 1)) ?? 0
        let fraction = mantissa.split(separator: ".", omittingEmptySubsequences: false).dropFirst().first ?? ""
        exponent -= fraction.count
        var digits = mantissa.utf8.filter { $0 != UInt8(ascii: ".") }.map { $0 - UInt8(ascii: "0") }
        while digits.last == 0 {
            digits.removeLast()
            exponent += 1
        }
        digits = Array(digits.drop { $0 == 0 })
        if digits.isEmpty { return .number(isNegative: false, digits: [], exponent: 0) }
        return .number(isNegative: isNegative, digits: digits, exponent: exponent)
    }

    static func text(_ text: String) -> WireValue { .string(Array(text.utf16)) }

    /// What a document says, as the decoder reads it.
    ///
    /// - Parameter unwraps: `{"$json":"…"}` stands for the value that its text is.
    init(_ node: JSONNode, unwraps: Bool = false) throws {
        switch node.kind {
        case .null: self = .null
        case .true, .false: self = .boolean(node.kind == .true)
        case .number: self = .number(node.numberText)
        case .string: self = .string(Self.units(node.textBytes ?? []))
        case .array: self = .list(try node.elements.map { try WireValue($0, unwraps: unwraps) })
        case .object:
            let members = node.members
            if unwraps, members.count == 1, members[0].name == "$json", let source = members[0].value.text {
                self = try WireValue(JSONTape(decoding: source).root)
                return
            }
            var map: [[UInt16]: WireValue] = [:]
            for (name, value) in node.nameBytes { map[Self.units(name)] = try WireValue(value, unwraps: unwraps) }
            self = .map(map)
        }
    }

    /// UTF-8 with lone surrogates in their three-byte form.
    private static func units(_ bytes: [UInt8]) -> [UInt16] {
        var units: [UInt16] = []
        var index = 0
        while index < bytes.count {
            let lead = UInt32(bytes[index])
            let length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
            var scalar = length == 1 ? lead : lead & (0xFF >> UInt32(length + 1))
            for offset in 1..<max(length, 1) { scalar = scalar << 6 | UInt32(bytes[index + offset] & 0x3F) }
            if scalar < 0x10000 {
                units.append(UInt16(scalar))
            } else {
                units.append(UInt16(0xD800 + (scalar - 0x10000) >> 10))
                units.append(UInt16(0xDC00 + (scalar - 0x10000) & 0x3FF))
            }
            index += length
        }
        return units
    }

    subscript(path: [String]) -> WireValue? {
        var value = self
        for name in path {
            guard case .map(let members) = value, let next = members[Array(name.utf16)] else { return nil }
            value = next
        }
        return value
    }

    /// Puts a value at a path, with the maps on the way; false where something else than a map stands there.
    mutating func set(_ path: ArraySlice<[UInt16]>, _ value: WireValue) -> Bool {
        guard let name = path.first else {
            self = value
            return true
        }
        guard case .map(var members) = self else { return false }
        var child = members[name] ?? .map([:])
        guard child.set(path.dropFirst(), value) else { return false }
        members[name] = child
        self = .map(members)
        return true
    }
}
