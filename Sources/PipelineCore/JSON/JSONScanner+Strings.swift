extension JSONScanner {
    @inline(__always)
    static func load(_ pointer: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(pointer).loadUnaligned(as: UInt64.self))
    }

    /// The high bit of each byte that a string can't simply run over: a quote, a backslash, a control character, or
    /// anything beyond ASCII. Only the lowest bit that is set is exact; borrows may set others above it.
    @inline(__always)
    static func special(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quote = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let backslash = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let found =
            (quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word | word
        return found & (ones &* 0x80)
    }

    /// Runs from behind the opening quote to the closing one and gives its index.
    @inline(__always)
    func string(_ start: Int, _ flags: inout UInt8) throws(JSONDecodingError) -> Int {
        var index = start
        while index &+ 8 <= end {
            let mask = Self.special(Self.load(base + index))
            if mask == 0 {
                index &+= 8
                continue
            }
            index &+= mask.trailingZeroBitCount &>> 3
            if base[index] == UInt8(ascii: "\"") { return index }
            break
        }
        return try restOfString(index, &flags)
    }

    @inline(never)
    private func restOfString(_ start: Int, _ flags: inout UInt8) throws(JSONDecodingError) -> Int {
        var index = start
        while index < end {
            if index &+ 8 <= end {
                let mask = Self.special(Self.load(base + index))
                if mask == 0 {
                    index &+= 8
                    continue
                }
                index &+= mask.trailingZeroBitCount &>> 3
            }
            let byte = base[index]
            switch byte {
            case UInt8(ascii: "\""): return index
            case UInt8(ascii: "\\"): index = try escape(index, &flags)
            case 0..<0x20: throw JSONDecodingError(.controlCharacter, at: index)
            case 0x20..<0x80: index &+= 1
            default: index = try multibyte(index)
            }
        }
        throw JSONDecodingError(.unexpectedEnd, at: end)
    }

    private func escape(_ start: Int, _ flags: inout UInt8) throws(JSONDecodingError) -> Int {
        flags |= TapeNode.Flags.escaped.rawValue
        guard start &+ 1 < end else { throw JSONDecodingError(.unexpectedEnd, at: end) }
        switch base[start &+ 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return start &+ 2
        case UInt8(ascii: "u"): break
        default: throw JSONDecodingError(.invalidEscape, at: start)
        }
        let unit = try codeUnit(start)
        if unit == 0 { flags |= TapeNode.Flags.null.rawValue }
        guard unit & 0xF800 == 0xD800 else { return start &+ 6 }
        if unit & 0xFC00 == 0xD800, start &+ 8 <= end, base[start &+ 6] == UInt8(ascii: "\\"),
            base[start &+ 7] == UInt8(ascii: "u"), try codeUnit(start &+ 6) & 0xFC00 == 0xDC00
        {
            return start &+ 12
        }
        flags |= TapeNode.Flags.loneSurrogate.rawValue
        return start &+ 6
    }

    private func codeUnit(_ start: Int) throws(JSONDecodingError) -> UInt32 {
        for offset in 2..<6 {
            guard start &+ offset < end else { throw JSONDecodingError(.unexpectedEnd, at: end) }
            guard JSONStrings.hexadecimal(base[start &+ offset]) != nil else {
                throw JSONDecodingError(.invalidEscape, at: start)
            }
        }
        return JSONStrings.codeUnit(base + start + 2)
    }

    /// One character beyond ASCII: the well-formed sequences of the Unicode standard, table 3-7.
    private func multibyte(_ start: Int) throws(JSONDecodingError) -> Int {
        let lead = base[start]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: throw JSONDecodingError(.invalidUTF8, at: start)
        }
        guard start &+ length <= end, second.contains(base[start &+ 1]) else {
            throw JSONDecodingError(.invalidUTF8, at: start)
        }
        for offset in 2..<max(length, 2) where base[start &+ offset] & 0xC0 != 0x80 {
            throw JSONDecodingError(.invalidUTF8, at: start)
        }
        return start &+ length
    }
}
