internal import Glibc
internal import LocalFiles
internal import PipelineCore
internal import Synchronization

/// Standard input, kept aside for a run: it can be read once, and a run may need it again.
final class StandardInputSpool: Sendable {
    private let folder: SpoolFolder
    private let descriptor: Int32
    private let state = Mutex<(path: String?, isRead: Bool)>((nil, false))

    /// - Parameter descriptor: an open file that is read to its end; standard input unless a test says otherwise.
    init(_ folder: SpoolFolder, descriptor: Int32 = STDIN_FILENO) {
        self.folder = folder
        self.descriptor = descriptor
    }

    /// The file that holds it.
    var path: String {
        get throws {
            guard let path = state.withLock({ $0.path }) else {
                throw PipelineError(.software, "standard input is opened before it was kept aside")
            }
            return path
        }
    }

    /// Reads standard input to its end, unless the run has it already.
    func fill(for run: InputRun) async throws {
        if !folder.holds(run) { try checkReadable() }
        let copy = InputCopy(descriptor: descriptor)
        try await copy.fill(folder, for: run) { self.state.withLock { $0.isRead = true } }
        state.withLock { $0.path = folder.path(of: run) }
    }

    func remove(_ run: InputRun) { folder.remove(run) }

    private func checkReadable() throws {
        guard !state.withLock({ $0.isRead }) else {
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

    func fill(_ folder: SpoolFolder, for run: InputRun, willRead: () -> Void) throws {
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
                        .noInput, "standard input can't be read: \(errorText(errno))",
                        hint: "Mend the cause and run again.")
                }
                if count == 0 { return }
                try file.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
    }
}
