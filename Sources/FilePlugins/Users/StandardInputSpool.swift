internal import Glibc
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
        let end = try await copy.check(folder, run)
        state.withLock { $0.content = (folder.path(of: run), end) }
        return wasKept && state.withLock { $0.reader == nil }
    }

    /// Looks at what is kept for a run, if anything is.
    func checkKept(for run: InputRun) async throws {
        _ = try await InputCopy(descriptor: descriptor).check(folder, run)
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
                try file.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
    }

    /// Compares what was kept with its seal.
    ///
    /// - Returns: Where the input ends in the file.
    /// - Throws: `PipelineError` of kind `.configuration` where it isn't what was written, or is gone.
    func check(_ folder: SpoolFolder, _ run: InputRun) throws -> UInt64? {
        try folder.content(of: run, needsSeal: true)?.end
    }
}
