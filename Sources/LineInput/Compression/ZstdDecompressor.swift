internal import CZstd

/// Reads a zstd file: one frame or many in a row, skippable ones among them. The library checks each frame's checksum, where
/// it has one.
final class ZstdDecompressor: Decompressor {
    private let file: InputFile
    private let stream: OpaquePointer
    private let compressed: UnsafeMutableRawBufferPointer
    /// A block's content, of which `ready` isn't given yet.
    private let block: UnsafeMutableRawBufferPointer
    private var ready = 0..<0
    /// As many bytes take the library on by one block.
    private var wanted = 1
    /// The library holds back what had no room.
    private var isHeldBack = false
    /// Bytes of `compressed` that aren't decompressed yet.
    private var unread = 0..<0
    /// The file has no more bytes than those in `compressed`.
    private var fileEnded = false
    private var state = State.betweenFrames
    /// Uncompressed bytes before the read at hand.
    private var produced: UInt64 = 0
    private var starts = MemberStarts()
    /// What the next read meets: it came behind bytes that count.
    private var failure: (any Error)?

    private enum State {
        /// Another frame or the end follows.
        case betweenFrames
        case inFrame
        case ended
    }

    /// What a frame may ask to have kept of its content, in bytes: as much as the tool `zstd` reads without being told to.
    private static let largestWindow: UInt64 = 1 << 27

    /// - Parameters:
    ///   - file: at its beginning, which has been found to be a frame's.
    ///   - chunk: bytes read from the file at once.
    init(_ file: InputFile, chunk: Int) throws {
        guard let stream = ZSTD_createDCtx() else { throw CompressedForm.outOfMemory }
        self.file = file
        self.stream = stream
        compressed = .allocate(byteCount: max(chunk, ZstdFrameHeader.longest), alignment: 16)
        block = .allocate(byteCount: ZSTD_DStreamOutSize(), alignment: 16)
    }

    deinit {
        ZSTD_freeDCtx(stream)
        compressed.deallocate()
        block.deallocate()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if let failure { throw failure }
        var filled = 0
        defer { produced += UInt64(filled) }
        do {
            while filled < buffer.count, state != .ended || !ready.isEmpty {
                if ready.isEmpty { try step(filled) }
                let count = min(ready.count, buffer.count - filled)
                UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + count]).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: block[ready.prefix(count)]))
                ready = ready.lowerBound + count..<ready.upperBound
                filled += count
            }
        } catch {
            if filled == 0 { throw error }
            failure = error
        }
        return filled
    }

    func member(at offset: UInt64) -> UInt64 { starts.member(at: offset) }

    func size(ofStored stored: UInt64) -> UInt64? {
        if state == .ended { return produced }
        let consumed = file.offset - UInt64(unread.count)
        guard consumed > 0, produced > 0 else { return nil }
        return max(produced, UInt64(Double(produced) * Double(stored) / Double(consumed)))
    }

    /// - Parameter filled: bytes that the read at hand has given.
    private func step(_ filled: Int) throws {
        switch state {
        case .betweenFrames: try begin(filled)
        case .inFrame: try decompress()
        case .ended: break
        }
    }

    /// Looks at what follows a frame. What can't be read is told here, so that it doesn't depend on how much of the file is in
    /// memory.
    private func begin(_ filled: Int) throws {
        while unread.count < ZstdFrameHeader.longest, !fileEnded { try refill() }
        let head = compressed[unread]
        guard !head.isEmpty else { return state = .ended }
        guard ZstdFrameHeader.isSignature(head) else {
            throw ZstdFrameHeader.isCutSignature(head)
                ? CompressedForm.zstd.cutOff : CompressedForm.zstd.trailingGarbage()
        }
        if let header = ZstdFrameHeader(head) {
            if header.needsDictionary { throw Self.needsDictionary }
            if header.window > Self.largestWindow { throw Self.tooLarge(header.window) }
        }
        starts.note(
            compressed: file.offset - UInt64(unread.count), uncompressed: produced + UInt64(filled))
        state = .inFrame
        wanted = 1
    }

    /// Goes on by a block at most. The library gives nothing of what it has unpacked in a call that fails, and takes a frame in
    /// whole where it has all of it at once: how much comes before damage would depend on the sizes of buffers.
    private func decompress() throws {
        if unread.isEmpty, !fileEnded { try refill() }
        if unread.isEmpty, !isHeldBack { throw CompressedForm.zstd.cutOff }
        var output = ZSTD_outBuffer(dst: block.baseAddress, size: block.count, pos: 0)
        var input = ZSTD_inBuffer(
            src: UnsafeRawPointer(compressed.baseAddress).map { $0 + unread.lowerBound },
            size: min(unread.count, wanted), pos: 0)
        let status = ZSTD_decompressStream(stream, &output, &input)
        guard ZSTD_isError(status) == 0 else { throw Self.damage(status) }
        unread = unread.lowerBound + input.pos..<unread.upperBound
        ready = 0..<output.pos
        wanted = status
        isHeldBack = status != 0 && output.pos == output.size
        if status == 0 { state = .betweenFrames }
    }

    /// Reads more behind what is unread.
    private func refill() throws {
        let rest = unread.count
        if unread.lowerBound > 0 {
            compressed.copyMemory(from: UnsafeRawBufferPointer(rebasing: compressed[unread]))
            unread = 0..<rest
        }
        let room = UnsafeMutableRawBufferPointer(rebasing: compressed[rest...])
        let count = try file.read(into: room)
        fileEnded = count < room.count && file.failure == nil
        unread = 0..<rest + count
    }

    // MARK: Damage

    private static func damage(_ status: Int) -> InputDamage {
        switch ZSTD_getErrorCode(status) {
        case ZSTD_error_memory_allocation: CompressedForm.outOfMemory
        case ZSTD_error_dictionary_wrong: needsDictionary
        default: CompressedForm.zstd.corrupt(String(cString: ZSTD_getErrorName(status)))
        }
    }

    private static let needsDictionary = InputDamage(
        message: "was compressed with a dictionary, which isn't at hand",
        hint: "Unpack it where the dictionary is ('zstd -d -D DICTIONARY FILE'), and run again with the result.")

    private static func tooLarge(_ window: UInt64) -> InputDamage {
        InputDamage(
            message: "can't be unpacked within \(largestWindow >> 20) MiB of memory: it asks for \(window >> 20) MiB",
            hint: "Unpack it first ('zstd -d --long=31 FILE'), or pack it again without --long; then run again.")
    }
}
