internal import CZlib
internal import PipelineCore

/// The lines of a file that this sink has written, finished or still under way.
struct WrittenLines {
    let file: OutputFile
    /// Bytes of the file that count.
    let bytes: Int
    /// Bytes of text in them.
    let length: Int

    /// Gives each line without its break, in order.
    ///
    /// - Throws: `PipelineError` of kind `.ioError` where the file isn't what was written; what `body` throws.
    func forEach(_ body: (ArraySlice<UInt8>) throws -> Void) throws {
        var rest: [UInt8] = []
        var total = 0
        try inflate { text in
            total += text.count
            rest.append(contentsOf: text)
            var start = rest.startIndex
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                try body(rest[start..<end])
                start = end + 1
            }
            rest.removeFirst(start)
        }
        guard total == length, rest.isEmpty else { throw damaged }
    }

    private func inflate(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer {
            stream.deallocate()
            input.deallocate()
            output.deallocate()
        }
        // As they are written: the largest window, and neither header nor trailer.
        guard inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw PipelineError(.unavailable, "no memory is left for reading \(file.path)")
        }
        defer { inflateEnd(stream) }
        var offset = GzipMember.header.count
        while offset < bytes {
            let wanted = UnsafeMutableRawBufferPointer(rebasing: input[..<min(input.count, bytes - offset)])
            guard try file.read(into: wanted, at: offset) == wanted.count else { throw damaged }
            offset += wanted.count
            stream.pointee.next_in = wanted.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_in = UInt32(wanted.count)
            repeat {
                stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_out = UInt32(output.count)
                let status = CZlib.inflate(stream, Z_NO_FLUSH)
                guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { throw damaged }
                try body(UnsafeRawBufferPointer(rebasing: output[..<(output.count - Int(stream.pointee.avail_out))]))
                // What follows is the trailer.
                if status == Z_STREAM_END { return }
            } while stream.pointee.avail_out == 0
        }
    }

    private var damaged: PipelineError {
        PipelineError(
            .ioError, "\(file.path) isn't what the run has written there",
            hint: "Restore the file, or run with --fresh to begin again.")
    }
}
