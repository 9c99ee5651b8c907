/// A small JSON document: what services and processes hand credentials over in.
package enum JSONValue: Sendable, Hashable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Where the text stops being JSON. Says nothing of its content.
    package struct Malformed: Error, Sendable, Hashable {}

    package init(decoding bytes: [UInt8]) throws(Malformed) {
        var reader = Reader(bytes: bytes)
        self = try reader.value(depth: 0)
        reader.skipBlanks()
        guard reader.isAtEnd else { throw Malformed() }
    }

    package subscript(_ key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    package var string: String? { if case .string(let text) = self { text } else { nil } }
    package var number: Double? { if case .number(let number) = self { number } else { nil } }

    private struct Reader {
        let bytes: [UInt8]
        var index = 0

        var isAtEnd: Bool { index == bytes.count }
        private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

        mutating func skipBlanks() {
            while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { index += 1 }
        }

        mutating func value(depth: Int) throws(Malformed) -> JSONValue {
            skipBlanks()
            guard depth < 32, let byte = next else { throw Malformed() }
            switch byte {
            case UInt8(ascii: "{"): return .object(try members(depth: depth))
            case UInt8(ascii: "["): return .array(try elements(depth: depth))
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"): return try literal("true", .boolean(true))
            case UInt8(ascii: "f"): return try literal("false", .boolean(false))
            case UInt8(ascii: "n"): return try literal("null", .null)
            default: return .number(try number())
            }
        }

        private mutating func literal(_ text: String, _ value: JSONValue) throws(Malformed) -> JSONValue {
            guard bytes[index...].starts(with: text.utf8) else { throw Malformed() }
            index += text.utf8.count
            return value
        }

        private mutating func take(_ byte: UInt8) -> Bool {
            skipBlanks()
            guard next == byte else { return false }
            index += 1
            return true
        }

        private mutating func members(depth: Int) throws(Malformed) -> [String: JSONValue] {
            index += 1
            var result: [String: JSONValue] = [:]
            if take(UInt8(ascii: "}")) { return result }
            repeat {
                skipBlanks()
                guard next == UInt8(ascii: "\"") else { throw Malformed() }
                let key = try string()
                guard take(UInt8(ascii: ":")) else { throw Malformed() }
                result[key] = try value(depth: depth + 1)
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "}")) else { throw Malformed() }
            return result
        }

        private mutating func elements(depth: Int) throws(Malformed) -> [JSONValue] {
            index += 1
            var result: [JSONValue] = []
            if take(UInt8(ascii: "]")) { return result }
            repeat { result.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "]")) else { throw Malformed() }
            return result
        }

        private mutating func number() throws(Malformed) -> Double {
            let start = index
            while let byte = next, "+-.eE0123456789".utf8.contains(byte) { index += 1 }
            let text = String(decoding: bytes[start..<index], as: UTF8.self)
            guard let first = text.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
                let number = Double(text)
            else { throw Malformed() }
            return number
        }

        private mutating func string() throws(Malformed) -> String {
            index += 1
            var content: [UInt8] = []
            while let byte = next {
                index += 1
                switch byte {
                case UInt8(ascii: "\""):
                    guard let text = String(validating: content, as: UTF8.self) else { throw Malformed() }
                    return text
                case UInt8(ascii: "\\"): content.append(contentsOf: try escape().utf8)
                case ..<0x20: throw Malformed()
                default: content.append(byte)
                }
            }
            throw Malformed()
        }

        private mutating func escape() throws(Malformed) -> String {
            guard let byte = next else { throw Malformed() }
            index += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return String(UnicodeScalar(byte))
            case UInt8(ascii: "b"): return "\u{8}"
            case UInt8(ascii: "f"): return "\u{c}"
            case UInt8(ascii: "n"): return "\n"
            case UInt8(ascii: "r"): return "\r"
            case UInt8(ascii: "t"): return "\t"
            case UInt8(ascii: "u"):
                var unit = try hexUnit()
                if (0xD800..<0xDC00).contains(unit) {
                    guard bytes[index...].starts(with: "\\u".utf8) else { throw Malformed() }
                    index += 2
                    let low = try hexUnit()
                    guard (0xDC00..<0xE000).contains(low) else { throw Malformed() }
                    unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
                }
                guard let scalar = UnicodeScalar(unit) else { throw Malformed() }
                return String(scalar)
            default: throw Malformed()
            }
        }

        private mutating func hexUnit() throws(Malformed) -> UInt32 {
            guard index + 4 <= bytes.count else { throw Malformed() }
            let text = String(decoding: bytes[index..<index + 4], as: UTF8.self)
            guard text.allSatisfy(\.isHexDigit), let unit = UInt32(text, radix: 16) else { throw Malformed() }
            index += 4
            return unit
        }
    }
}
