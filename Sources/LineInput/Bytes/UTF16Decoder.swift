/// The order of the bytes in UTF-16 text, as its byte order mark tells it.
public enum UTF16Order: Sendable, Equatable {
    case littleEndian
    case bigEndian

    /// Nil for text that begins with no such mark. Little-endian UTF-32 begins with the same bytes and two zeros.
    public init?(markOf bytes: some Sequence<UInt8>) {
        let head = Array(bytes.prefix(4))
        if head.starts(with: [0xFE, 0xFF]) {
            self = .bigEndian
        } else if head.starts(with: [0xFF, 0xFE]), head != [0xFF, 0xFE, 0, 0] {
            self = .littleEndian
        } else {
            return nil
        }
    }
}

/// Turns UTF-16 into UTF-8, piece by piece.
///
/// What is no UTF-16 (half of a surrogate pair, an odd byte at the end) becomes bytes that are no UTF-8, so that whoever
/// reads the text meets it.
struct UTF16Decoder {
    private let order: UTF16Order
    private var oddByte: UInt8?
    private var high: UInt16?
    /// Text that waits for room.
    private var text: [UInt8] = []
    private var taken = 0

    init(_ order: UTF16Order) { self.order = order }

    /// Fills the buffer with text; 0 means that all is given.
    ///
    /// - Parameter read: Gives bytes of UTF-16; none at the end.
    mutating func read(
        into buffer: UnsafeMutableRawBufferPointer, from read: (UnsafeMutableRawBufferPointer) throws -> Int
    ) throws -> Int {
        if taken == text.count {
            text.removeAll(keepingCapacity: true)
            taken = 0
            var bytes = [UInt8](repeating: 0, count: 64 * 1024)
            while text.isEmpty {
                let count = try bytes.withUnsafeMutableBytes(read)
                if count == 0 {
                    finish()
                    break
                }
                for byte in bytes[..<count] { take(byte) }
            }
        }
        let count = min(buffer.count, text.count - taken)
        text.withUnsafeBytes { buffer.copyBytes(from: $0[taken..<taken + count]) }
        taken += count
        return count
    }

    private mutating func take(_ byte: UInt8) {
        guard let first = oddByte else { return oddByte = byte }
        oddByte = nil
        let unit =
            order == .bigEndian ? UInt16(first) << 8 | UInt16(byte) : UInt16(byte) << 8 | UInt16(first)
        if let half = high {
            high = nil
            if (0xDC00...0xDFFF).contains(unit) {
                return append(0x10000 + (UInt32(half) - 0xD800) << 10 + (UInt32(unit) - 0xDC00))
            }
            append(UInt32(half))
        }
        if (0xD800...0xDBFF).contains(unit) { high = unit } else { append(UInt32(unit)) }
    }

    private mutating func finish() {
        if let half = high { append(UInt32(half)) }
        if oddByte != nil { text.append(0xFF) }
        high = nil
        oddByte = nil
    }

    private mutating func append(_ scalar: UInt32) {
        func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | (scalar >> shift) & 0x3F) }
        switch scalar {
        case ..<0x80: text.append(UInt8(scalar))
        case ..<0x800: text += [UInt8(0xC0 | scalar >> 6), tail(0)]
        case ..<0x10000: text += [UInt8(0xE0 | scalar >> 12), tail(6), tail(0)]
        default: text += [UInt8(0xF0 | scalar >> 18), tail(12), tail(6), tail(0)]
        }
    }
}
