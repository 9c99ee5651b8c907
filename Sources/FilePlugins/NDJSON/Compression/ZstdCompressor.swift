internal import CZstd
internal import PipelineCore
internal import RunFolders

/// A zstd frame for each segment, with its content's size and checksum: RFC 8878 has a file be any number of them.
struct ZstdCompressor: TextCompressor {
    /// 1 to 19.
    let level: Int

    /// A fresh context on one thread: what comes out depends on text, level and the library's version alone.
    func segment(_ text: UnsafeBufferPointer<UInt8>, rows: Int) throws -> FileSegment {
        guard let context = ZSTD_createCCtx() else { throw PipelineError.noMemory }
        defer { ZSTD_freeCCtx(context) }
        for (parameter, value) in [(ZSTD_c_compressionLevel, level), (ZSTD_c_checksumFlag, 1)] {
            try Self.check(ZSTD_CCtx_setParameter(context, parameter, Int32(value)))
        }
        let bytes = try [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(text.count)) { output, count in
            let status = ZSTD_compress2(context, output.baseAddress, output.count, text.baseAddress, text.count)
            try Self.check(status)
            count = status
        }
        return FileSegment(bytes: bytes, length: text.count, rows: rows, checksum: 0)
    }

    /// Nothing, but where there is no text: a file without any frame is none that `zstd` reads.
    func trailer(checksum: UInt32, length: Int) -> [UInt8] { length == 0 ? Self.emptyFrame : [] }

    /// A content of 0 bytes, a last block of none, and the checksum of nothing.
    private static let emptyFrame: [UInt8] = [
        0x28, 0xB5, 0x2F, 0xFD, 0x24, 0x00, 0x01, 0x00, 0x00, 0x99, 0xE9, 0xD8, 0x51,
    ]

    func decompressor() throws -> any TextDecompressor { try FrameReader() }

    private static func check(_ status: Int) throws {
        guard ZSTD_isError(status) != 0 else { return }
        if ZSTD_getErrorCode(status) == ZSTD_error_memory_allocation { throw PipelineError.noMemory }
        throw PipelineError(
            .software, "rows can't be compressed: \(String(cString: ZSTD_getErrorName(status)))")
    }

    private final class FrameReader: TextDecompressor {
        private let stream: OpaquePointer
        private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)

        init() throws {
            guard let stream = ZSTD_createDCtx() else { throw PipelineError.noMemory }
            self.stream = stream
        }

        deinit {
            ZSTD_freeDCtx(stream)
            output.deallocate()
        }

        func decompress(_ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]) throws {
            var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
            var isFull = false
            while input.pos < input.size || isFull {
                var room = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
                let status = ZSTD_decompressStream(stream, &room, &input)
                guard ZSTD_isError(status) == 0 else { throw NotWritten() }
                text.append(contentsOf: output[..<room.pos])
                // Of a frame that is over nothing is held back.
                isFull = room.pos == room.size && status != 0
            }
        }
    }
}
