#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A growing run of bytes. Room is reserved row by row, so that appending needs no check for each byte.
struct TextBuffer: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 4096)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }

    /// Makes room: what follows may append that many bytes in all.
    mutating func reserve(_ bytes: Int) {
        guard count + bytes > capacity else { return }
        let larger = max(count + bytes, capacity * 2)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        moved.update(from: base, count: count)
        base.deallocate()
        base = moved
        capacity = larger
    }

    // The caller has reserved the room that these take.

    mutating func append(_ byte: UInt8) {
        base[count] = byte
        count &+= 1
    }

    mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append(UnsafeRawBufferPointer($0)) }
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        memcpy(base + count, start, bytes.count)
        count &+= bytes.count
    }

    mutating func appendNull() {
        base[count] = UInt8(ascii: "n")
        base[count &+ 1] = UInt8(ascii: "u")
        base[count &+ 2] = UInt8(ascii: "l")
        base[count &+ 3] = UInt8(ascii: "l")
        count &+= 4
    }

    /// At most 20 bytes.
    mutating func append(_ number: Int64) {
        if number < 0 { append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        var length = 1
        var power: UInt64 = 10
        while rest >= power {
            length &+= 1
            let (next, overflow) = power.multipliedReportingOverflow(by: 10)
            if overflow { break }
            power = next
        }
        var place = count &+ length
        count = place
        repeat {
            place &-= 1
            base[place] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while place > count &- length
    }

    /// At most 26 bytes, such as `52.5`, `6.0`, `5e-324`.
    mutating func append(_ number: Double) {
        // Whole numbers are the usual ones, and need no search for the shortest decimal.
        if let whole = Int64(exactly: number), whole.magnitude < 1 << 53, whole != 0 || number.sign == .plus {
            append(whole)
            append(UInt8(ascii: "."))
            append(UInt8(ascii: "0"))
            return
        }
        var text = number.description
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// A JSON document, whose white space must not end the line.
    mutating func append(json: UnsafeRawBufferPointer) {
        let start = count
        append(json)
        // Inside a string a line feed is escaped: an unescaped one stands between values.
        var place = start
        while place < count, let found = memchr(base + place, Int32(UInt8(ascii: "\n")), count - place) {
            found.storeBytes(of: UInt8(ascii: " "), as: UInt8.self)
            place = UnsafeRawPointer(found) - UnsafeRawPointer(base) + 1
        }
    }

    /// A text as a JSON string: quote, backslash and controls escaped, all else as it is.
    mutating func append(quoted text: UnsafeRawBufferPointer) {
        append(UInt8(ascii: "\""))
        var start = 0
        var place = 0
        while place < text.count {
            if place &+ 8 <= text.count,
                !Self.holdsSpecial(text.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            {
                place &+= 8
                continue
            }
            let byte = text[place]
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                place &+= 1
                continue
            }
            append(UnsafeRawBufferPointer(rebasing: text[start..<place]))
            appendEscaped(byte)
            place &+= 1
            start = place
        }
        append(UnsafeRawBufferPointer(rebasing: text[start...]))
        append(UInt8(ascii: "\""))
    }

    /// Whether one of eight bytes is a control, a quote or a backslash. It may also say so of a byte that is none.
    private static func holdsSpecial(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let high = ones &* 0x80
        // Subtracting n borrows into the high bit of each byte that is less than n (Hacker's Delight, 6-1).
        func holdsLess(_ word: UInt64, than limit: UInt64) -> UInt64 { (word &- ones &* limit) & ~word }
        let quote = holdsLess(word ^ (ones &* 0x22), than: 1)
        let backslash = holdsLess(word ^ (ones &* 0x5C), than: 1)
        return (holdsLess(word, than: 0x20) | quote | backslash) & high != 0
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\n"): append(UInt8(ascii: "n"))
        case UInt8(ascii: "\r"): append(UInt8(ascii: "r"))
        case UInt8(ascii: "\t"): append(UInt8(ascii: "t"))
        case 0..<0x20:
            append(UInt8(ascii: "u"))
            append(UInt8(ascii: "0"))
            append(UInt8(ascii: "0"))
            append(UInt8(ascii: "0") &+ byte >> 4)
            append(byte & 15 < 10 ? UInt8(ascii: "0") &+ byte & 15 : UInt8(ascii: "a") &+ (byte & 15) &- 10)
        default: append(byte)
        }
    }
}
