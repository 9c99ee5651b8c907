internal import CZlib
internal import Glibc
internal import LineInput
internal import LocalFiles
internal import PipelineCore
internal import Synchronization

/// Standard input, kept aside for a run: it can be read once, and a run may need it again.
final class StandardInputSpool: Sendable {
    private let folder: SpoolFolder
    private let descriptor: Int32
    private let state = Mutex(State())

    private struct State {
        var content: (path: String, end: UInt64?)?
        /// The run for which this process has read it.
        var reader: InputRun?
    }

    /// - Parameter descriptor: an open file that is read to its end; standard input unless a test says otherwise.
    init(_ folder: SpoolFolder, descriptor: Int32 = STDIN_FILENO) {
        self.folder = folder
        self.descriptor = descriptor
    }

    /// The file that holds it, and where it ends there.
    var content: (path: String, end: UInt64?) {
        get throws {
            guard let content = state.withLock({ $0.content }) else {
                throw PipelineError(.software, "standard input is opened before it was kept aside")
            }
            return content
        }
    }

    /// Reads standard input to its end, unless the run has it already.
    ///
    /// - Returns: Whether an earlier process has read it.
    func fill(for run: InputRun) async throws -> Bool {
        // The input that a run refuses is its successor's.
        if try !folder.holds(run), let reader = state.withLock({ $0.reader }) {
            folder.handOver(from: reader, to: run)
        }
        if try !folder.holds(run) { try checkReadable() }
        let copy = InputCopy(descriptor: descriptor)
        let wasKept = try await copy.fill(folder, for: run) { self.state.withLock { $0.reader = run } }
        let path = folder.path(of: run)
        let end = try await copy.check(path)
        state.withLock { $0.content = (path, end) }
        return wasKept && state.withLock { $0.reader == nil }
    }

    func remove(_ run: InputRun) { folder.remove(run) }

    private func checkReadable() throws {
        guard !state.withLock({ $0.reader != nil }) else {
            throw PipelineError(
                .noInput, "standard input has been read already, for the run before this one",
                hint: "Run again with the list on standard input.")
        }
        guard isatty(descriptor) == 0 else {
            throw PipelineError(
                .noInput, "the user IDs are to come from standard input, which is a terminal",
                hint: "Feed the list in: sluice run pipeline.yaml < users.txt")
        }
    }
}

/// Copies an open file; reads block a thread of its own.
private actor InputCopy {
    private let executor = BlockingExecutor(label: "users.stdin")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private let descriptor: Int32

    init(descriptor: Int32) { self.descriptor = descriptor }

    func fill(_ folder: SpoolFolder, for run: InputRun, willRead: () -> Void) throws -> Bool {
        try folder.fill(for: run) { file in
            willRead()
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)
            defer { buffer.deallocate() }
            var seal = SpoolSeal()
            while true {
                try Task.checkCancellation()
                // Whoever feeds it may take its time; a stop is noticed meanwhile.
                var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                guard poll(&waiting, 1, 200) != 0 else { continue }
                let count = read(descriptor, buffer.baseAddress, buffer.count)
                if count < 0, errno == EINTR || errno == EAGAIN { continue }
                guard count >= 0 else {
                    throw PipelineError(
                        .noInput, "standard input can't be read: \(SystemFailure.text(errno))",
                        hint: "Mend the cause and run again."
                    )
                }
                if count == 0 { break }
                let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                seal.add(bytes)
                try file.write(bytes)
            }
            try seal.bytes.withUnsafeBytes { try file.write($0) }
        }
    }

    /// Reads what was kept, and compares it with its seal.
    ///
    /// - Returns: Where the input ends in the file.
    /// - Throws: `PipelineError` of kind `.noInput` where it isn't what was written.
    func check(_ path: String) throws -> UInt64 {
        let damaged = PipelineError(
            .noInput, "what was kept aside of standard input is damaged: \(path)",
            hint: "Delete that file and run again with the same list on standard input: the run goes on.")
        do {
            let size = try InputFile(path: path).size()
            guard size >= UInt64(SpoolSeal.length) else { throw damaged }
            let end = size - UInt64(SpoolSeal.length)
            let file = try InputFile(path: path)
            defer { file.close() }
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)
            defer { buffer.deallocate() }
            var seal = SpoolSeal()
            while file.offset < end {
                try Task.checkCancellation()
                let wanted = Int(min(UInt64(buffer.count), end - file.offset))
                let count = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
                guard count == wanted else { throw damaged }
                seal.add(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
            let count = try file.read(into: buffer)
            guard buffer.prefix(count).elementsEqual(seal.bytes) else { throw damaged }
            return end
        } catch is InputDamage { throw damaged }
    }
}

/// What stands behind kept input, so that a file that was cut or changed isn't taken for the whole: its length in bytes and
/// its CRC-32, big-endian, behind a mark.
private struct SpoolSeal {
    private var count: UInt64 = 0
    private var checksum: UInt = 0
    static let length = 20

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        count += UInt64(bytes.count)
        checksum = UInt(crc32_z(uLong(checksum), bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
    }

    var bytes: [UInt8] {
        Array("spooled\n".utf8) + withUnsafeBytes(of: count.bigEndian, Array.init)
            + withUnsafeBytes(of: UInt32(truncatingIfNeeded: checksum).bigEndian, Array.init)
    }
}
