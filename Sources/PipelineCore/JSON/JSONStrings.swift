/// Strings of JSON source text that the scanner has already found well-formed.
enum JSONStrings {
    /// How decoded text stands for what UTF-8 can't say.
    enum Surrogates {
        /// U+0000 and lone surrogates become U+FFFD: what a column holds.
        case replaced
        /// U+0000 stays, lone surrogates become U+FFFD: what a Swift string holds.
        case string
        /// Lone surrogates keep their three-byte form (WTF-8), so that names compare by code unit.
        case kept
    }

    /// Decodes a string's source text (without quotes) to UTF-8.
    ///
    /// - Parameter output: Room for at least `length` bytes: an escape is never shorter than what it stands for.
    /// - Returns: The bytes written.
    static func decode(
        _ source: UnsafePointer<UInt8>, _ length: Int, _ surrogates: Surrogates,
        into output: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var read = 0
        var written = 0
        while read < length {
            let byte = source[read]
            guard byte == UInt8(ascii: "\\") else {
                output[written] = byte
                read += 1
                written += 1
                continue
            }
            let letter = source[read + 1]
            if letter != UInt8(ascii: "u") {
                output[written] = unescaped(letter)
                read += 2
                written += 1
                continue
            }
            var scalar = codeUnit(source + read + 2)
            read += 6
            if scalar & 0xFC00 == 0xD800, read + 6 <= length, source[read] == UInt8(ascii: "\\"),
                source[read + 1] == UInt8(ascii: "u")
            {
                let low = codeUnit(source + read + 2)
                if low & 0xFC00 == 0xDC00 {
                    scalar = 0x10000 + (scalar & 0x3FF) << 10 + (low & 0x3FF)
                    read += 6
                }
            }
            switch surrogates {
            case .replaced where scalar == 0 || scalar & 0xFFFFF800 == 0xD800: scalar = 0xFFFD
            case .string where scalar & 0xFFFFF800 == 0xD800: scalar = 0xFFFD
            default: break
            }
            written += encode(scalar, output + written)
        }
        return written
    }

    /// Gives the code points that a string's source text (without quotes) stands for, U+0000 and lone surrogates among them.
    static func forEachCodePoint(_ source: UnsafePointer<UInt8>, _ length: Int, _ body: (UInt32) -> Void) {
        guard length > 0 else { return }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: length) { scratch in
            guard let decoded = scratch.baseAddress else { return }
            let count = decode(source, length, .kept, into: decoded)
            var place = 0
            while place < count {
                let lead = decoded[place]
                let width = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
                var point = width == 1 ? UInt32(lead) : UInt32(lead) & (0x7F >> UInt32(width))
                for tail in 1..<max(1, width) { point = point << 6 | UInt32(decoded[place + tail] & 0x3F) }
                body(point)
                place += width
            }
        }
    }

    /// Whether a string's source text says this name.
    static func equal(_ source: UnsafePointer<UInt8>, _ node: TapeNode, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
        let length = Int(node.length)
        if !node.flags.contains(.escaped) {
            return length == name.count && same(source, name.baseAddress, length)
        }
        guard length >= name.count else { return false }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: length) { scratch in
            guard let decoded = scratch.baseAddress else { return name.isEmpty }
            let count = decode(source, length, .kept, into: decoded)
            return count == name.count && same(UnsafePointer(decoded), name.baseAddress, count)
        }
    }

    /// Whether two strings' source texts say the same.
    static func equal(
        _ left: UnsafePointer<UInt8>, _ leftNode: TapeNode, _ right: UnsafePointer<UInt8>, _ rightNode: TapeNode
    ) -> Bool {
        guard rightNode.flags.contains(.escaped) else {
            return equal(left, leftNode, UnsafeBufferPointer(start: right, count: Int(rightNode.length)))
        }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(rightNode.length)) { scratch in
            guard let decoded = scratch.baseAddress else { return leftNode.length == 0 }
            let count = decode(right, Int(rightNode.length), .kept, into: decoded)
            return equal(left, leftNode, UnsafeBufferPointer(start: UnsafePointer(decoded), count: count))
        }
    }

    private static func same(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>?, _ count: Int) -> Bool {
        guard let right else { return count == 0 }
        var index = 0
        while index + 8 <= count {
            if JSONScanner.load(left + index) != JSONScanner.load(right + index) { return false }
            index += 8
        }
        while index < count {
            if left[index] != right[index] { return false }
            index += 1
        }
        return true
    }

    private static func unescaped(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: letter
        }
    }

    /// Four hexadecimal digits, known to be that.
    static func codeUnit(_ digits: UnsafePointer<UInt8>) -> UInt32 {
        var value: UInt32 = 0
        for index in 0..<4 { value = value << 4 | UInt32(hexadecimal(digits[index]) ?? 0) }
        return value
    }

    static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// UTF-8, and for surrogates its three-byte generalisation.
    static func encode(_ scalar: UInt32, _ output: UnsafeMutablePointer<UInt8>) -> Int {
        func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | scalar >> shift & 0x3F) }
        switch scalar {
        case 0..<0x80:
            output[0] = UInt8(scalar)
            return 1
        case 0x80..<0x800:
            output[0] = UInt8(0xC0 | scalar >> 6)
            output[1] = tail(0)
            return 2
        case 0x800..<0x10000:
            output[0] = UInt8(0xE0 | scalar >> 12)
            output[1] = tail(6)
            output[2] = tail(0)
            return 3
        default:
            output[0] = UInt8(0xF0 | scalar >> 18 & 0x07)
            output[1] = tail(12)
            output[2] = tail(6)
            output[3] = tail(0)
            return 4
        }
    }
}
