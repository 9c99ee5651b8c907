internal import CZlib

/// Inflates a gzip file: one member or several in a row, with zero bytes after the last one tolerated, as gzip(1) and
/// tape drives leave them. zlib checks each member's CRC-32 and length.
final class GzipInflater: Decompressor {
    private let file: InputFile
    /// zlib keeps a pointer to its stream, so the stream mustn't move.
    private let stream: UnsafeMutablePointer<z_stream>
    private let compressed: UnsafeMutableRawBufferPointer
    /// The file has no more bytes than those in `compressed`.
    private var fileEnded = false
    private var state = State.betweenMembers
    /// Members begun.
    private var members = 0
    /// Uncompressed bytes before the read at hand, and its room.
    private var produced: UInt64 = 0
    private var room: UInt32 = 0
    private var starts = MemberStarts()

    private enum State {
        /// Zero or more members lie behind; another one, padding or the end may follow.
        case betweenMembers
        case inMember
        case padding
        case ended
    }

    /// - Parameters:
    ///   - file: at its beginning, which has been found to be a gzip header.
    ///   - chunk: bytes read from the file at once.
    init(_ file: InputFile, chunk: Int) throws {
        self.file = file
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        compressed = .allocate(byteCount: chunk, alignment: 16)
        guard sluice_inflate_init_gzip(stream) == Z_OK else { throw CompressedForm.outOfMemory }
    }

    deinit {
        // Harmless on a stream that couldn't be initialised: zlib finds no state in it.
        inflateEnd(stream)
        stream.deallocate()
        compressed.deallocate()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(clamping: buffer.count)
        room = stream.pointee.avail_out
        defer {
            produced += UInt64(room - stream.pointee.avail_out)
            room = stream.pointee.avail_out
        }
        do {
            while stream.pointee.avail_out > 0, state != .ended { try step() }
        } catch {
            // What was produced goes out first; the next call meets the damage again.
            if stream.pointee.avail_out == room { throw error }
        }
        return Int(room - stream.pointee.avail_out)
    }

    private func step() throws {
        if stream.pointee.avail_in == 0, !fileEnded { try refill() }
        switch state {
        case .betweenMembers:
            if stream.pointee.avail_in == 0 {
                state = .ended
            } else if stream.pointee.next_in.pointee == 0 {
                state = .padding
            } else {
                inflateReset(stream)
                members += 1
                noteStart()
                state = .inMember
            }
        case .inMember:
            try inflateMember()
        case .padding:
            while stream.pointee.avail_in > 0, stream.pointee.next_in.pointee == 0 {
                stream.pointee.next_in += 1
                stream.pointee.avail_in -= 1
            }
            if stream.pointee.avail_in > 0 { throw CompressedForm.gzip.trailingGarbage(behind: "its zero padding") }
            if fileEnded { state = .ended }
        case .ended:
            break
        }
    }

    private func noteStart() {
        starts.note(
            compressed: file.offset - UInt64(stream.pointee.avail_in),
            uncompressed: produced + UInt64(room - stream.pointee.avail_out))
    }

    func member(at offset: UInt64) -> UInt64 { starts.member(at: offset) }

    func size(ofStored stored: UInt64) -> UInt64? {
        if state == .ended { return produced }
        let consumed = file.offset - UInt64(stream.pointee.avail_in)
        guard consumed > 0, produced > 0 else { return nil }
        return max(produced, UInt64(Double(produced) * Double(stored) / Double(consumed)))
    }

    private func inflateMember() throws {
        switch inflate(stream, Z_NO_FLUSH) {
        case Z_OK:
            break
        case Z_STREAM_END:
            state = .betweenMembers
        case Z_BUF_ERROR:
            // zlib can't go on without input, and there was room for output: the file has no more.
            throw CompressedForm.gzip.cutOff
        case Z_MEM_ERROR:
            throw CompressedForm.outOfMemory
        default:
            let detail = stream.pointee.msg.map { String(cString: $0) } ?? "invalid data"
            if members > 1, stream.pointee.total_out == 0, detail == "incorrect header check" {
                throw CompressedForm.gzip.trailingGarbage()
            }
            throw CompressedForm.gzip.corrupt(detail)
        }
    }

    private func refill() throws {
        let count = try file.read(into: compressed)
        fileEnded = count < compressed.count && file.failure == nil
        stream.pointee.next_in = compressed.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = UInt32(count)
    }
}
