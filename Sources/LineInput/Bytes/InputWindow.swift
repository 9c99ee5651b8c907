internal import Glibc

/// A window that slides over uncompressed input: the bytes from the record at hand on, as far as they have been read.
///
/// Scanners look at `bytes`, ask for more with `extend`, and give up what they have read with `consume`. It grows only
/// where a scanner extends it without consuming, so a scanner's bound on one record bounds the memory.
public final class InputWindow {
    private let input: DecodedInput
    private var storage: UnsafeMutableRawBufferPointer
    /// The window within the storage.
    private var start = 0
    private var end = 0
    /// The offset of the window's first byte in the uncompressed input.
    public private(set) var offset: UInt64 = 0
    /// The input ended within a record: nothing ended its last line.
    public internal(set) var endedWithinRecord = false
    /// The two bytes before the window, the last one in the low half.
    private(set) var before: UInt16 = 0

    /// Opens a regular file; what it is compressed with is recognised by its first bytes, not by its name.
    ///
    /// - Parameters:
    ///   - capacity: Bytes of storage to begin with; as they stand, so many that a read costs little beside what it reads.
    ///   - end: Of the file, where what lies behind isn't part of the input.
    ///   - utf16: What the file, unpacked, is known to be; it is read as UTF-8.
    /// - Throws: `InputDamage` where the file can't be opened, or begins as something other than text.
    public convenience init(
        path: String, capacity: Int = defaultCapacity, end: UInt64? = nil, utf16: UTF16Order? = nil
    ) throws {
        try self.init(InputFile(path: path, end: end), named: path, capacity: capacity, utf16: utf16)
    }

    /// Opens a stream, whose first bytes are kept no more from here on.
    ///
    /// - Throws: `InputDamage` where it begins as something other than text.
    public convenience init(_ stream: InputStream, utf16: UTF16Order?) throws {
        defer { stream.forgetHead() }
        try self.init(stream.open(), named: "", utf16: utf16)
    }

    /// - Parameter file: at its beginning; what is read of it from here on is the window's.
    init(
        _ file: InputFile, named path: String, capacity: Int = defaultCapacity, utf16: UTF16Order? = nil
    ) throws {
        input = try DecodedInput(file, named: path, chunk: capacity, utf16: utf16)
        storage = .allocate(byteCount: capacity, alignment: 16)
    }

    public static let defaultCapacity = 256 * 1024

    deinit { storage.deallocate() }

    /// The bytes read and not yet consumed. Valid until the next call of `extend`, `consume` or `skip`.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[start..<end]) }
    /// Bytes read and not yet consumed.
    public var count: Int { end - start }

    /// Reads more behind `bytes`; false at the end of input.
    ///
    /// - Throws: `InputDamage`, also where the input goes on in the middle of what was its last line.
    public func extend() throws -> Bool {
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
        if read > 0, endedWithinRecord, storage[end] != 0x0A, storage[end] != 0x0D {
            throw InputDamage.writtenMeanwhile
        }
        if read == 0, count > 0 { endedWithinRecord = true }
        end += read
        return read > 0
    }

    /// Gives up the first bytes of the window.
    public func consume(_ count: Int) {
        precondition(count <= end - start, "consuming what wasn't read")
        if count > 1 { before = UInt16(storage[start + count - 2]) }
        if count > 0 { before = before << 8 | UInt16(storage[start + count - 1]) }
        start += count
        offset += UInt64(count)
    }

    /// Goes forward to an offset.
    ///
    /// - Throws: `InputDamage` where the input doesn't reach that far, or the offset lies behind.
    public func skip(to target: UInt64) throws {
        guard target >= offset else { throw InputDamage.tooShort }
        if target - offset <= UInt64(count) {
            consume(Int(target - offset))
        } else {
            try input.skip(to: target, using: storage)
            start = 0
            end = 0
            offset = target
            before = 0
        }
    }

    /// Goes forward to the end of a record. Where a CR ended it, a LF that follows is still part of that line's end: the
    /// file was written up to the CR when it was read.
    ///
    /// - Throws: `InputDamage` where the input doesn't reach that far, or the offset lies behind.
    public func skip(toEndOfRecord target: UInt64) throws {
        guard target > offset else { return try skip(to: target) }
        try skip(to: target - 1)
        if count == 0, try !extend() { throw InputDamage.tooShort }
        consume(1)
    }

    /// Whether a record ends here that ended at this offset when it was read earlier.
    public func isAt(_ target: UInt64) -> Bool {
        offset == target || (offset == target + 1 && before == Self.returnAndLineFeed)
    }

    /// Bytes of uncompressed input in all: in a compressed file an estimate, until its end has been read; nil before its beginning
    /// has been.
    public func size() throws -> UInt64? { try input.size() }

    /// Where the member of a compressed file, gzip's member or zstd's frame, that holds the window's first byte begins in the file;
    /// 0 in a plain file.
    public var member: UInt64 { input.member(at: offset) }

    /// Bytes of the file that were read, as they stand there.
    public var fileOffset: UInt64 { input.fileOffset }

    /// Gives the file back; what is in the window stays.
    public func close() { input.close() }
}
