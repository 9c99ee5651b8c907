internal import CZlib
internal import StoreFormat

/// What stands behind a spool's content, so that a file that was cut or changed isn't taken for the whole: a mark with the
/// number of the format (8 bytes, `spool 2` and LF), the content's length in bytes (64 bits, big-endian) and its CRC-32
/// (32 bits, big-endian).
///
/// In the first format the mark was `spooled` and LF behind standard input; behind user IDs there was no seal.
struct SpoolSeal {
    private var count: UInt64 = 0
    private var checksum: UInt = 0
    static let length = 20
    private static let markLength = 8
    private static let firstMark = Array("spooled\n".utf8)

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        count += UInt64(bytes.count)
        checksum = UInt(crc32_z(uLong(checksum), bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
    }

    /// The seal of a spool of this version.
    var bytes: [UInt8] { Self.mark(.current) + numbers }

    private var numbers: [UInt8] {
        withUnsafeBytes(of: count.bigEndian, Array.init)
            + withUnsafeBytes(of: UInt32(truncatingIfNeeded: checksum).bigEndian, Array.init)
    }

    private static func mark(_ format: StoreFormat) -> [UInt8] {
        let number = String(format.number)
        let blanks = String(repeating: " ", count: max(1, markLength - 6 - number.count))
        return Array("spool\(blanks)\(number)\n".utf8)
    }

    /// The format that a file's last bytes speak of; nil where they are no seal.
    static func format(_ bytes: [UInt8]) -> StoreFormat? {
        guard bytes.count == length else { return nil }
        if bytes.starts(with: firstMark) { return .first }
        let text = String(decoding: bytes.prefix(markLength), as: UTF8.self)
        guard text.hasPrefix("spool "), text.hasSuffix("\n"),
            let number = Int(text.dropFirst(6).dropLast().drop { $0 == " " })
        else { return nil }
        return StoreFormat(number)
    }

    /// Whether a file's last bytes speak of the content that was added.
    func matches(_ bytes: [UInt8]) -> Bool { Array(bytes.dropFirst(Self.markLength)) == numbers }
}
