internal import Glibc

/// Input whose bytes come once, such as a pipe. Its first bytes are kept until it is known what they are.
public final class InputStream {
    private let descriptor: Int32
    /// The first bytes, for as long as they are kept or not read again.
    private var head: [UInt8] = []
    private var keepsHead = true
    /// Bytes that the descriptor has given.
    private var received: UInt64 = 0

    /// - Parameter descriptor: open for reading; it stays open.
    public init(descriptor: Int32) { self.descriptor = descriptor }

    /// The stream from its beginning; as often as wanted, until the first bytes are kept no more.
    public func open() -> InputFile { InputFile(self) }

    /// From here on one file alone goes on.
    func forgetHead() { keepsHead = false }

    /// Fills some of the room with what stands at an offset; 0 at the end of input.
    ///
    /// - Parameter offset: Where the descriptor is, or among the first bytes.
    /// - Throws: `InputDamage`.
    func read(into room: UnsafeMutableRawBufferPointer, at offset: UInt64) throws -> Int {
        if offset < UInt64(head.count) {
            let kept = head[Int(offset)...].prefix(room.count)
            room.copyBytes(from: kept)
            return kept.count
        }
        precondition(offset == received, "what isn't kept is read once")
        let count = try receive(into: room)
        received += UInt64(count)
        if keepsHead { head += room[..<count] } else { head = [] }
        return count
    }

    private func receive(into room: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            let count = Glibc.read(descriptor, room.baseAddress, room.count)
            if count >= 0 { return count }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                // Another process that shares the descriptor may have set O_NONBLOCK on it.
                var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                _ = poll(&wanted, 1, -1)
            case let code: throw InputDamage.readFailed(code)
            }
        }
    }
}
