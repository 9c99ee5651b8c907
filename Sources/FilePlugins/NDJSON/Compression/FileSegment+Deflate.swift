internal import CZlib
internal import PipelineCore
internal import RunFolders

extension FileSegment {
    /// Compresses text into a run of deflate blocks that stands on its own: made by a fresh compressor and ended by a flush at
    /// a byte boundary, so that runs made apart from each other can stand one after the other in one stream. The same text and
    /// level give the same bytes; the checksum is the text's CRC-32.
    ///
    /// - Parameter level: 1 to 9.
    /// - Throws: `PipelineError` of kind `.unavailable` where no memory is left.
    init(deflating text: UnsafeBufferPointer<UInt8>, rows: Int, level: Int) throws {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        // -15: the largest window, and neither header nor trailer. 8 is zlib's default of memory.
        let status = deflateInit2_(
            stream, Int32(level), Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw PipelineError.noMemory }
        defer { deflateEnd(stream) }
        self.init(
            bytes: Self.compress(text, stream), length: text.count, rows: rows,
            checksum: UInt32(truncatingIfNeeded: crc32_z(0, text.baseAddress, text.count)))
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
                let piece = rest.prefix(1 << 30)
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
}
