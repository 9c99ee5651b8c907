internal import CZlib
internal import PipelineCore
internal import RunFolders

/// One gzip member for each file, in it a run of deflate blocks for each segment.
struct GzipCompressor: TextCompressor {
    /// zlib's, 1 to 9.
    let level: Int

    var header: [UInt8] { GzipMember.header }

    func segment(_ text: UnsafeBufferPointer<UInt8>, rows: Int) throws -> FileSegment {
        try FileSegment(deflating: text, rows: rows, level: level)
    }

    func checksum(_ checksum: UInt32, adding segment: FileSegment) -> UInt32 {
        GzipMember.checksum(checksum, segment.checksum, secondLength: segment.length)
    }

    func trailer(checksum: UInt32, length: Int) -> [UInt8] { GzipMember.trailer(checksum: checksum, length: length) }

    func decompressor() throws -> any TextDecompressor { try MemberReader() }

    private final class MemberReader: TextDecompressor {
        /// zlib keeps a pointer to its stream, so the stream mustn't move.
        private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        private var isAtEnd = false

        init() throws {
            stream.initialize(to: z_stream())
            guard sluice_inflate_init_gzip(stream) == Z_OK else { throw PipelineError.noMemory }
        }

        deinit {
            inflateEnd(stream)
            stream.deallocate()
            output.deallocate()
        }

        func decompress(_ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]) throws {
            guard !isAtEnd || bytes.isEmpty else { throw NotWritten() }
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.pointee.avail_in = UInt32(bytes.count)
            repeat {
                stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_out = UInt32(output.count)
                let status = inflate(stream, Z_NO_FLUSH)
                guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { throw NotWritten() }
                text.append(contentsOf: output[..<(output.count - Int(stream.pointee.avail_out))])
                isAtEnd = status == Z_STREAM_END
            } while stream.pointee.avail_out == 0 && !isAtEnd
            guard stream.pointee.avail_in == 0 else { throw NotWritten() }
        }
    }
}

extension PipelineError {
    /// While rows are compressed or unpacked.
    static let noMemory = PipelineError(.unavailable, "no memory is left for the compression of rows")
}
