internal import LocalFiles
internal import PipelineCore
internal import StoreFormat

/// One pipeline and shard's session with an output folder: what is there, how it is opened and closed.
actor RunFolderSession: SinkSession {
    private let executor: BlockingExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    let store: RunFolderStore
    let context: SinkContext
    let format: RunFormat
    private var lock: RunLock?
    var opened: OpenFolder?
    /// True while rows are encoded: other calls may come in between.
    var isEncoding = false

    /// What is there once the folder is open.
    struct OpenFolder {
        let folder: OutputFolder
        var history: RunHistory
        /// The newest run as its checkpoint file has it.
        var newest: StoredRunState?
        /// Why that run can't be gone on with.
        var fault: PipelineError?
        /// The newest run's files; nil until something is written.
        var files: RunFiles?
        /// Files of the archive that it has left out, as of its last commit.
        var leftOut: [LeftOutFile] = []
        var pending: RunCheckpoint?
        /// A commit has failed: what the store holds is known to the store alone.
        var isSpent = false
    }

    init(_ store: RunFolderStore, _ context: SinkContext) {
        self.store = store
        self.context = context
        format = RunFormat(store.format, context.tables)
        executor = BlockingExecutor(label: store.label)
    }

    // MARK: Opening and closing

    /// Makes the folder, takes the lock, and finishes what a crash has left half done.
    func connect() throws {
        let folder = try OutputFolder(store.path, pipeline: context.pipeline, shard: context.shard)
        let lock = try RunLock(
            path: folder.lock,
            subject: "pipeline '\(context.pipeline)' (shard \(context.shard)) at \(store.path)")
        self.lock = lock
        try Failpoint.reach("ndjson.open.locked")
        // Looked at before anything is changed.
        let owner = try Ownership.read(folder)
        if owner != nil { try lock.mark(folder.owner, as: folder.mark) }
        let format = try FolderFormat(folder: folder).format()
        let history = try RunHistory(folder, format)
        try folder.checkManifests(newest: history.newestPublished.map { [$0] } ?? [], format)
        if let unfinished = try EarlierRun.unfinished(in: folder, history) {
            opened = OpenFolder(
                folder: folder, history: history, newest: unfinished.stored, fault: unfinished.refusal(in: folder))
        } else {
            try settle(folder)
        }
    }

    /// Makes the folder this pipeline's, brings it to the present format, and finishes what a crash has left half done.
    func settle(_ folder: OutputFolder) throws {
        guard let lock else { throw PipelineError(.software, "\(store.path): the session is closed") }
        if try Ownership.read(folder) == nil {
            try folder.checkRuns(known: FolderMigration.publishedNames(in: folder))
        }
        try Ownership.claim(folder, mode: store.mode)
        try lock.mark(folder.owner, as: folder.mark)
        try Failpoint.reach("ndjson.open.owned")
        try FolderMigration.steps.perform(on: FolderFormat(folder: folder))
        // It may be another file by now.
        try lock.mark(folder.owner, as: folder.mark)
        var history = try RunHistory(folder, .current)
        try Recovery(folder: folder, warn: store.warn).perform(&history)
        try Failpoint.reach("ndjson.open.recovered")
        // Found out before anybody is asked for: what this run replaces.
        if store.mode.holdsOneRun { _ = try history.published }
        opened = OpenFolder(
            folder: folder, history: history, newest: history.newest,
            fault: history.newest.flatMap { folder.fault(of: $0) })
    }

    func close() {
        abandon()
        forgetFiles()
        opened = nil
        lock?.release()
        lock = nil
    }

    // MARK: What is there

    func requireOpen() throws -> OpenFolder {
        guard let opened else { throw PipelineError(.software, "\(store.path): the session is closed") }
        return opened
    }

    /// What is there while nothing is prepared.
    func requireNothingPrepared() throws -> OpenFolder {
        let opened = try requireOpen()
        guard !isEncoding, opened.pending == nil else {
            throw PipelineError(.software, "\(store.path): a prepared batch is neither committed nor abandoned")
        }
        guard !opened.isSpent else {
            throw PipelineError(.software, "\(store.path): a commit has failed; the session can only be closed")
        }
        return opened
    }

    /// The run that may be written to.
    func unfinished() throws -> StoredRunState {
        guard let newest = try requireNothingPrepared().newest, newest.isUnfinished else { throw noRun }
        return newest
    }

    private var noRun: PipelineError {
        PipelineError(.software, "\(store.path): no run of pipeline '\(context.pipeline)' is under way")
    }

    /// The newest run's files, taken up where its checkpoint says.
    func files() throws -> RunFiles {
        let opened = try requireOpen()
        if let files = opened.files { return files }
        if let fault = opened.fault { throw fault }
        guard let newest = opened.newest else { throw noRun }
        let (files, leftOut) = try opened.folder.takeUp(newest, format, maxFileSize: store.maxFileSize)
        self.opened?.files = files
        self.opened?.leftOut = leftOut
        return files
    }

    func forgetFiles() {
        opened?.files?.close()
        opened?.files = nil
    }
}
