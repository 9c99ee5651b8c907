public import PipelineCore
internal import Synchronization

/// The user IDs of an input that can't be read twice: fetched once for each run, and read from the spool from then on.
public final class SpooledUsers: Sendable {
    private let folder: SpoolFolder
    private let worker: Worker
    private let prepared = Mutex<SpoolContent?>(nil)

    /// - Parameters:
    ///   - folder: where the spool is, absolute.
    ///   - label: names the thread that fetches.
    public init(folder: String, label: String) {
        self.folder = SpoolFolder(folder)
        worker = Worker(folder: self.folder, label: label)
    }

    /// Fetches a run's IDs, unless they are there already.
    ///
    /// - Parameter fetch: may block; it runs on a thread of its own, in the caller's task, and watches out for the task's
    ///   cancellation itself.
    /// - Throws: `PipelineError`: `.cantCreate`, or `.ioError` on a full disk; whatever `fetch` throws, and then nothing is
    ///   kept.
    /// - Returns: Whether they were there already.
    public func prepare(
        for run: InputRun, _ fetch: @Sendable (inout SpooledIDWriter) throws -> Void
    ) async throws -> Bool {
        let isKept = try await worker.fill(for: run, fetch)
        let content = try await worker.content(of: run)
        prepared.withLock { $0 = content }
        return isKept
    }

    /// Looks at what is kept for a run, if anything is.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where it can't be read.
    public func checkKept(for run: InputRun) async throws { try await worker.check(run) }

    /// Removes what is kept for a run.
    public func release(_ run: InputRun) async { await worker.remove(run) }

    /// Opens the IDs of the run that was prepared.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where the spool is gone or damaged, or ends before the position;
    ///   `.software` where no run was prepared.
    public func open(at position: Position) async throws -> any UserCursor {
        guard let content = prepared.withLock({ $0 }) else {
            throw PipelineError(.software, "an input was opened before it was prepared for a run")
        }
        let cursor = SpooledUserCursor(content)
        try await cursor.open(at: position)
        return cursor
    }

    /// Bytes that positions count up to; nil before a run was prepared.
    public var size: UInt64? {
        prepared.withLock { $0?.end }.flatMap {
            $0 >= SpooledIDs.trailerSize ? $0 - UInt64(SpooledIDs.trailerSize) : nil
        }
    }

    /// Files and a database's calls, off the threads that all tasks share.
    private actor Worker {
        private let executor: BlockingExecutor
        nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
        private let folder: SpoolFolder

        init(folder: SpoolFolder, label: String) {
            self.folder = folder
            executor = BlockingExecutor(label: label)
        }

        func fill(for run: InputRun, _ fetch: @Sendable (inout SpooledIDWriter) throws -> Void) throws -> Bool {
            try folder.fill(for: run) { file in
                var writer = try SpooledIDWriter(file)
                try fetch(&writer)
                try Task.checkCancellation()
                try writer.finish()
            }
        }

        func content(of run: InputRun) throws -> SpoolContent {
            guard let content = try folder.content(of: run) else {
                throw SpoolFolder.unreadable(folder.path(of: run), "it is gone, or this user may not read it")
            }
            return content
        }

        func check(_ run: InputRun) async throws {
            guard let content = try folder.content(of: run) else { return }
            let cursor = SpooledUserCursor(content)
            try await cursor.open(at: .start)
            await cursor.close()
        }

        func remove(_ run: InputRun) { folder.remove(run) }
    }
}
