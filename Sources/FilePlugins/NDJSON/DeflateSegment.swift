internal import CZlib
internal import PipelineCore

/// A run of deflate blocks that stands on its own: made by a fresh compressor and ended by a flush at a byte boundary, so
/// that runs made apart from each other can stand one after the other in one stream.
struct DeflateSegment: Sendable {
    var bytes: [UInt8]
    /// CRC-32 of the text.
    var checksum: UInt32
    /// Bytes of text.
    var length: Int
    var rows: Int

    /// Compresses text; the same text and level give the same bytes.
    ///
    /// - Parameter level: 1 to 9.
    /// - Throws: `PipelineError` of kind `.unavailable` where no memory is left.
    init(_ text: UnsafeBufferPointer<UInt8>, rows: Int, level: Int) throws {
        length = text.count
        self.rows = rows
        checksum = UInt32(truncatingIfNeeded: crc32_z(0, text.baseAddress, text.count))
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        // -15: the largest window, and neither header nor trailer. 8 is zlib's default of memory.
        let status = deflateInit2_(
            stream, Int32(level), Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw PipelineError(.unavailable, "no memory is left for compressing rows") }
        defer { deflateEnd(stream) }
        bytes = Self.compress(text, stream)
    }

    private static func compress(
        _ text: UnsafeBufferPointer<UInt8>, _ stream: UnsafeMutablePointer<z_stream>
    ) -> [UInt8] {
        // `deflateBound` is for one call with Z_FINISH; a flush may take an empty block more.
        let bound = Int(deflateBound(stream, UInt(text.count))) + 64
        var rest = text[...]
        return [UInt8](unsafeUninitializedCapacity: bound) { output, count in
            stream.pointee.next_out = output.baseAddress
            // zlib counts in 32 bits: a text beyond that goes in by pieces, which changes nothing of what comes out.
            repeat {
                let piece = rest.prefix(Self.piece)
                rest = rest.dropFirst(piece.count)
                stream.pointee.next_in = UnsafeMutablePointer(
                    mutating: UnsafeBufferPointer(rebasing: piece).baseAddress)
                stream.pointee.avail_in = UInt32(piece.count)
                stream.pointee.avail_out = UInt32(clamping: output.count - Int(stream.pointee.total_out))
                // Neither a buffer error nor a stream error is possible: there is room, and the state is ours.
                _ = deflate(stream, rest.isEmpty ? Z_SYNC_FLUSH : Z_NO_FLUSH)
            } while !rest.isEmpty
            count = Int(stream.pointee.total_out)
        }
    }

    private static let piece = 1 << 30
}

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
