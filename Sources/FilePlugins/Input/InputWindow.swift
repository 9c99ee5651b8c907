internal import Glibc

/// A window that slides over uncompressed input: the bytes from the record at hand on, as far as they have been read.
///
/// Scanners look at `bytes`, ask for more with `extend`, and give up what they have read with `consume`. It grows only
/// where a scanner extends it without consuming, so a scanner's bound on one record bounds the memory.
final class InputWindow {
    private let input: UncompressedInput
    private var storage: UnsafeMutableRawBufferPointer
    /// The window within the storage.
    private var start = 0
    private var end = 0
    /// The offset of the window's first byte in the uncompressed input.
    private(set) var offset: UInt64 = 0
    /// The input ended within a record: nothing ended its last line.
    private(set) var endedWithinRecord = false

    /// - Parameters:
    ///   - capacity: Bytes of storage to begin with; as they stand, so many that a read costs little beside what it reads.
    ///   - end: Of the file, where what lies behind isn't part of the input.
    ///   - utf16: What the file, inflated, is known to be; it is read as UTF-8.
    init(path: String, capacity: Int = 256 * 1024, end: UInt64? = nil, utf16: UTF16Order? = nil) throws {
        input = try UncompressedInput(path: path, chunk: capacity, end: end, utf16: utf16)
        storage = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { storage.deallocate() }

    /// The bytes read and not yet consumed. Valid until the next call of `extend`, `consume` or `skip`.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[start..<end]) }
    var count: Int { end - start }

    static let writtenMeanwhile = InputDamage(
        message: "was written to while it was read, in the middle of its last line",
        hint: "Run again once the file is whole; if that line was taken for a whole one, with --fresh.")

    /// Reads more behind `bytes`; false at the end of input.
    ///
    /// - Throws: `InputDamage`, also where the input goes on in the middle of what was its last line.
    func extend() throws -> Bool {
        if start > 0, let base = storage.baseAddress {
            memmove(base, base + start, count)
            end -= start
            start = 0
        }
        if end == storage.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * storage.count, alignment: 16)
            larger.copyMemory(from: bytes)
            storage.deallocate()
            storage = larger
        }
        let read = try input.read(into: UnsafeMutableRawBufferPointer(rebasing: storage[end...]))
        // Whoever still writes the file has had half of a line read as a whole one.
        if read > 0, endedWithinRecord, storage[end] != 0x0A, storage[end] != 0x0D { throw Self.writtenMeanwhile }
        if read == 0, count > 0 { endedWithinRecord = true }
        end += read
        return read > 0
    }

    /// Gives up the first bytes of the window.
    func consume(_ count: Int) {
        precondition(count <= end - start, "consuming what wasn't read")
        start += count
        offset += UInt64(count)
    }

    /// Goes forward to an offset.
    ///
    /// - Throws: `InputDamage` where the input doesn't reach that far, or the offset lies behind.
    func skip(to target: UInt64) throws {
        guard target >= offset else { throw UncompressedInput.tooShort }
        if target - offset <= UInt64(count) {
            consume(Int(target - offset))
        } else {
            try input.skip(to: target, using: storage)
            start = 0
            end = 0
            offset = target
        }
    }

    /// Consumes a byte order mark, if the input begins with one.
    func skipByteOrderMark() throws {
        while count < 3, try extend() {}
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { consume(3) }
    }

    /// Where the gzip member that holds the window's first byte begins in the file; 0 in a plain file.
    var member: UInt64 { input.member(at: offset) }

    /// Bytes of the file that were read, as they stand there.
    var fileOffset: UInt64 { input.fileOffset }

    func close() { input.close() }
}
