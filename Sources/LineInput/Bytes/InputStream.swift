internal import Glibc
internal import Synchronization

/// Input whose bytes come once, such as a pipe. Its first bytes are kept until it is known what they are.
///
/// One task at a time reads it: who looks at its first bytes hands it over to who reads on.
public final class InputStream: Sendable {
    private let descriptor: Int32
    private let state = Mutex(State())

    private struct State {
        /// The first bytes, for as long as they are kept or not read again.
        var head: [UInt8] = []
        var keepsHead = true
        /// Bytes that the descriptor has given.
        var received: UInt64 = 0
    }

    /// - Parameter descriptor: open for reading; it stays open.
    public init(descriptor: Int32) { self.descriptor = descriptor }

    /// The stream from its beginning; as often as wanted, until the first bytes are kept no more.
    public func open() -> InputFile { InputFile(self) }

    /// From here on one file alone goes on.
    func forgetHead() { state.withLock { $0.keepsHead = false } }

    /// Fills some of the room with what stands at an offset; 0 at the end of input.
    ///
    /// - Parameter offset: Where the descriptor is, or among the first bytes.
    /// - Throws: `InputDamage`.
    func read(into room: UnsafeMutableRawBufferPointer, at offset: UInt64) throws -> Int {
        try state.withLock { state in
            if offset < UInt64(state.head.count) {
                let kept = state.head[Int(offset)...].prefix(room.count)
                room.copyBytes(from: kept)
                return kept.count
            }
            precondition(offset == state.received, "what isn't kept is read once")
            let count = try receive(into: room)
            state.received += UInt64(count)
            if state.keepsHead { state.head += room[..<count] } else { state.head = [] }
            return count
        }
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
