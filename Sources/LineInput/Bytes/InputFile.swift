internal import Glibc

/// A regular file, or a stream from its beginning, opened for reading. Blocking; one owner uses it.
public final class InputFile {
    /// Less than 0 for a stream, and once it is closed.
    private var descriptor: Int32
    private let stream: InputStream?
    /// Where the next read begins.
    public private(set) var offset: UInt64 = 0
    /// What the next read meets: it came behind bytes that count.
    private(set) var failure: InputDamage?
    /// What lies behind isn't part of the input; nil for all that the file has.
    private let end: UInt64?

    /// - Parameter end: Of the input in the file; nil for all that the file has.
    /// - Throws: `InputDamage` where the file is missing, unreadable, or not a regular file.
    public init(path: String, end: UInt64? = nil) throws {
        self.end = end
        stream = nil
        descriptor = try retried { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close()
            throw InputDamage.readFailed(code)
        }
        let type = status.st_mode & S_IFMT
        guard type == S_IFREG else {
            close()
            if type == S_IFDIR { throw InputDamage.readFailed(EISDIR) }
            // A pipe or a terminal can't be read again when the run resumes.
            throw InputDamage(
                message: "is not a regular file, so an interrupted run could not read it again",
                hint: "Write the user IDs to a file and name that one.")
        }
    }

    /// - Parameter stream: whose first bytes are still kept.
    init(_ stream: InputStream) {
        self.stream = stream
        descriptor = -1
        end = nil
    }

    deinit { close() }

    /// Fills the buffer with as much as the file has; fewer bytes than it holds means that the end is reached, or that
    /// the next call throws.
    ///
    /// - Throws: `InputDamage`.
    public func read(into room: UnsafeMutableRawBufferPointer) throws -> Int {
        if let failure { throw failure }
        let left = end.map { $0 > offset ? $0 - offset : 0 } ?? .max
        let buffer = UnsafeMutableRawBufferPointer(rebasing: room[..<Int(min(UInt64(room.count), left))])
        var filled = 0
        while filled < buffer.count, let start = buffer.baseAddress {
            do {
                let room = UnsafeMutableRawBufferPointer(start: start + filled, count: buffer.count - filled)
                let count =
                    try stream?.read(into: room, at: offset + UInt64(filled))
                    ?? retried { Glibc.read(descriptor, room.baseAddress, room.count) }
                if count == 0 { break }
                filled += count
            } catch let damage as InputDamage {
                if filled == 0 { throw damage }
                failure = damage
                break
            }
        }
        offset += UInt64(filled)
        return filled
    }

    /// Bytes of input in the file at this moment; of a stream those that were read.
    ///
    /// - Throws: `InputDamage`.
    public func size() throws -> UInt64 {
        if stream != nil { return offset }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw InputDamage.readFailed(errno) }
        return min(UInt64(status.st_size), end ?? .max)
    }

    /// Makes the next read begin at an offset, from the start of the file; of a stream among its first bytes.
    func seek(to offset: UInt64) throws {
        guard stream == nil || offset <= self.offset else { throw InputDamage.tooShort }
        if stream == nil, lseek(descriptor, off_t(offset), SEEK_SET) < 0 { throw InputDamage.readFailed(errno) }
        self.offset = offset
    }

    /// Gives the descriptor back; further calls do nothing.
    public func close() {
        guard descriptor >= 0 else { return }
        _ = Glibc.close(descriptor)
        descriptor = -1
    }
}

/// Repeats a system call for as long as a signal interrupts it.
private func retried<Value: BinaryInteger>(_ call: () -> Value) throws -> Value {
    while true {
        let result = call()
        if result >= 0 { return result }
        let code = errno
        if code != EINTR { throw InputDamage.readFailed(code) }
    }
}
