internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// An opened spool of user IDs. A position's offset is the place in the file, its line the number of rows before it.
actor SpooledUserCursor: UserCursor {
    private let executor = BlockingExecutor(label: "users.spool")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let content: SpoolContent
    private var path: String { content.path }
    private var descriptor: Int32 = -1
    /// Where the trailer begins.
    private var end: UInt64 = 0
    private var total: UInt64 = 0
    /// Behind the last record that was yielded.
    private var offset: UInt64 = 0
    private var row: UInt64 = 0
    /// Bytes of the file from `offset` on, from `used` on.
    private var buffer: [UInt8] = []
    private var used = 0
    /// What ended the reading; it follows the records before it.
    private var failure: (any Error)?

    private static let readSize = 1 << 18
    /// A call of `next` ends early once it has gathered this many bytes, so long IDs can't fill the memory.
    private static let bytesAtOnce = 1 << 20

    init(_ content: SpoolContent) { self.content = content }

    deinit { if descriptor >= 0 { Self.closeFile(descriptor) } }

    func open(at position: Position) throws {
        descriptor = Self.openFile(path)
        guard descriptor >= 0 else { throw failed("cannot be opened (\(SystemFailure.text(errno)))") }
        do {
            let size = content.end
            let header = content.isSealed ? SpooledIDs.header : SpooledIDs.firstHeader
            let smallest = SpooledIDs.header.count + SpooledIDs.trailerSize
            guard size >= UInt64(smallest), try bytes(header.count, at: 0) == header else {
                throw failed("holds no user IDs")
            }
            end = size - UInt64(SpooledIDs.trailerSize)
            let trailer = try bytes(SpooledIDs.trailerSize, at: end)
            total = trailer.withUnsafeBytes {
                UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: SpooledIDs.lengthSize, as: UInt64.self))
            }
            let mark = trailer.withUnsafeBytes { UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self)) }
            guard mark == SpooledIDs.end, total <= end / UInt64(SpooledIDs.lengthSize) else {
                throw failed("is cut off")
            }
            offset = position == .start ? UInt64(SpooledIDs.header.count) : position.offset
            row = position.line
            guard offset >= UInt64(SpooledIDs.header.count), offset <= end, row <= total else {
                throw failed("doesn't reach as far as the run has read")
            }
        } catch {
            close()
            throw error
        }
    }

    func next(limit: Int) throws -> [InputRecord] {
        precondition(limit > 0, "at least one record must be asked for")
        guard descriptor >= 0 else { return [] }
        var records: [InputRecord] = []
        records.reserveCapacity(min(limit, 1024))
        let start = offset
        if failure == nil {
            do {
                while records.count < limit, offset - start < Self.bytesAtOnce, let record = try read() {
                    records.append(record)
                }
            } catch {
                failure = error
            }
        }
        if records.isEmpty, let failure { throw failure }
        return records
    }

    func close() {
        if descriptor >= 0 { Self.closeFile(descriptor) }
        descriptor = -1
        buffer = []
        used = 0
    }

    // MARK: Records

    private func read() throws -> InputRecord? {
        guard offset < end else {
            guard row == total else { throw failed("holds \(row) rows, though \(total) were written") }
            return nil
        }
        try fill(SpooledIDs.lengthSize)
        let mark = buffer.withUnsafeBytes {
            UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: used, as: UInt32.self))
        }
        let length = mark == SpooledIDs.null ? 0 : Int(mark)
        guard length <= SpooledIDs.longest else { throw failed("is damaged behind row \(row)") }
        try fill(SpooledIDs.lengthSize + length)
        used += SpooledIDs.lengthSize
        let content = SpooledIDs.content(
            mark == SpooledIDs.null ? nil : buffer[used..<used + length], row: row + 1)
        used += length
        offset += UInt64(SpooledIDs.lengthSize + length)
        row += 1
        return InputRecord(content: content, next: Position(offset: offset, line: row), line: 0)
    }

    // MARK: Bytes

    /// Makes at least `count` bytes from `offset` on stand in the buffer.
    private func fill(_ count: Int) throws {
        guard buffer.count - used < count else { return }
        guard UInt64(count) <= end - offset else { throw failed("is damaged behind row \(row)") }
        buffer.removeFirst(used)
        used = 0
        let more = min(UInt64(Self.readSize), end - offset - UInt64(buffer.count))
        buffer += try bytes(max(Int(more), count - buffer.count), at: offset + UInt64(buffer.count))
    }

    private func bytes(_ count: Int, at place: UInt64) throws -> [UInt8] {
        let descriptor = descriptor
        var problem: Int32 = 0
        let result = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
            while filled < count, let start = target.baseAddress {
                let got = pread(descriptor, start + filled, count - filled, off_t(place) + off_t(filled))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else {
                    problem = got < 0 ? errno : 0
                    break
                }
                filled += got
            }
        }
        guard problem == 0 else { throw failed("cannot be read (\(SystemFailure.text(problem)))") }
        guard result.count == count else { throw failed("became shorter while it was read") }
        return result
    }

    private func failed(_ clause: String) -> PipelineError { SpoolFolder.unreadable(path, "it \(clause)") }

    // The calls' names are the actor's own, too.
    private static func openFile(_ path: String) -> Int32 { systemOpen(path) }
    private static func closeFile(_ descriptor: Int32) { systemClose(descriptor) }
}

private func systemOpen(_ path: String) -> Int32 { open(path, O_RDONLY | O_CLOEXEC) }
private func systemClose(_ descriptor: Int32) { _ = close(descriptor) }
