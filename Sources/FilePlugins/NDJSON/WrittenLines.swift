internal import CZlib
internal import PipelineCore
internal import RunFolders

/// The lines of a file that this sink has written, finished or still under way.
final class WrittenLines: RecordReader {
    private let file: StoredFile
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    /// Text that isn't given yet.
    private var text: [UInt8] = []
    private var start = 0
    /// Bytes of text so far.
    private var total = 0
    private var isAtEnd = false

    /// - Throws: `PipelineError` of kind `.ioError` where the file isn't what was written; so does `next()`.
    init(_ file: StoredFile) throws {
        self.file = file
        stream.initialize(to: z_stream())
        // As they are written: the largest window, and neither header nor trailer.
        guard inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw PipelineError(.unavailable, "no memory is left for reading \(file.path)")
        }
        let header = UnsafeMutableRawBufferPointer(rebasing: input[..<GzipMember.header.count])
        guard try file.read(into: header) == header.count else { throw file.damaged }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        input.deallocate()
        output.deallocate()
    }

    func next() throws -> [UInt8]? {
        while true {
            if let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                return Array(text[start..<end])
            }
            text.removeFirst(start)
            start = 0
            if isAtEnd {
                guard total == file.extent?.length, text.isEmpty else { throw file.damaged }
                return nil
            }
            try inflateMore()
        }
    }

    private func inflateMore() throws {
        if stream.pointee.avail_in == 0 {
            let count = try file.read(into: input)
            if count == 0 { return isAtEnd = true }
            stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_in = UInt32(count)
        }
        repeat {
            stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(output.count)
            let status = CZlib.inflate(stream, Z_NO_FLUSH)
            guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { throw file.damaged }
            let filled = output[..<(output.count - Int(stream.pointee.avail_out))]
            total += filled.count
            text.append(contentsOf: filled)
            // What follows is the trailer.
            if status == Z_STREAM_END { return isAtEnd = true }
        } while stream.pointee.avail_out == 0
    }
}
