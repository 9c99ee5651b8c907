internal import CZlib

/// The frame around a file's deflate data: one gzip member (RFC 1952).
enum GzipMember {
    /// Without time and name, so that the same rows give the same bytes; 255 is an unknown operating system.
    static let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    /// A last block with nothing in it, by fixed codes.
    private static let lastBlock: [UInt8] = [0x03, 0x00]

    /// What ends a member whose text has this CRC-32 and length.
    static func trailer(checksum: UInt32, length: Int) -> [UInt8] {
        lastBlock + littleEndian(checksum) + littleEndian(UInt32(truncatingIfNeeded: length))
    }

    private static func littleEndian(_ number: UInt32) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    /// The CRC-32 of two texts one after the other.
    static func checksum(_ first: UInt32, _ second: UInt32, secondLength: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: crc32_combine(UInt(first), UInt(second), secondLength))
    }
}
