internal import CZlib

/// Unpacks answers that come packed although nobody asked for that, as some proxies send them.
enum ContentCoding {
    /// The answer with a body that was packed by gzip unpacked, and without the header that says so. Whatever else its
    /// `Content-Encoding` says stays there: where the body can't be read, that is named.
    ///
    /// - Throws: `AnswerCollector.BodyTooLarge`
    static func decode(_ answer: HTTPAnswer, limit: Int = AnswerCollector.bodyLimit) throws -> HTTPAnswer {
        let codings = answer.headers.filter { $0.name.lowercased() == "content-encoding" }
            .flatMap { $0.value.split(separator: ",") }
            .map { $0.split(separator: " ").joined().lowercased() }
            .filter { !$0.isEmpty && $0 != "identity" }
        guard codings == ["gzip"] || codings == ["x-gzip"], !answer.body.isEmpty,
            let body = try inflate(answer.body, limit: limit)
        else { return answer }
        return HTTPAnswer(
            status: answer.status, headers: answer.headers.filter { $0.name.lowercased() != "content-encoding" },
            body: body)
    }

    /// Nil where the bytes aren't one whole gzip stream, of one or more members.
    private static func inflate(_ packed: [UInt8], limit: Int) throws -> [UInt8]? {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer {
            inflateEnd(stream)
            stream.deallocate()
        }
        guard sluice_inflate_init_gzip(stream) == Z_OK else { return nil }
        var input = packed
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        return try input.withUnsafeMutableBufferPointer { input in
            stream.pointee.next_in = input.baseAddress
            stream.pointee.avail_in = UInt32(clamping: input.count)
            while true {
                let (code, count) = chunk.withUnsafeMutableBufferPointer { chunk in
                    stream.pointee.next_out = chunk.baseAddress
                    stream.pointee.avail_out = UInt32(chunk.count)
                    let code = step(stream)
                    return (code, chunk.count - Int(stream.pointee.avail_out))
                }
                guard result.count + count <= limit else { throw AnswerCollector.BodyTooLarge() }
                result.append(contentsOf: chunk[..<count])
                switch code {
                case Z_OK: continue
                case Z_STREAM_END where stream.pointee.avail_in == 0: return result
                case Z_STREAM_END: inflateReset(stream)
                default: return nil
                }
            }
        }
    }

    private static func step(_ stream: UnsafeMutablePointer<z_stream>) -> CInt {
        CZlib.inflate(stream, Z_NO_FLUSH)
    }
}
