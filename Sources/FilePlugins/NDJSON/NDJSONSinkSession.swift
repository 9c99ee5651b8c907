internal import LocalFiles
internal import PipelineCore

/// One pipeline and shard's session with an output folder.
actor NDJSONSinkSession: SinkSession {
    private let executor = BlockingExecutor(label: "ndjson")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let sink: NDJSONSink
    private let context: SinkContext
    private let encoder: BatchEncoder
    private let warn: @Sendable (String) -> Void
    private var lock: RunLock?
    private var store: Store?
    /// True while rows are compressed: other calls may come in between.
    private var isEncoding = false

    /// What is there once the folder is open.
    private struct Store {
        let folder: OutputFolder
        var history: RunHistory
        /// The newest run as its checkpoint file has it.
        var standing: RunStanding?
        /// Why that run can't be gone on with.
        var fault: PipelineError?
        /// The newest run's files; nil until something is written.
        var files: RunFiles?
        var pending: RunCheckpoint?
        /// A commit has failed: what the store holds is known to the store alone.
        var isSpent = false
    }

    init(_ sink: NDJSONSink, _ context: SinkContext, warn: @escaping @Sendable (String) -> Void) {
        self.sink = sink
        self.context = context
        self.warn = warn
        encoder = BatchEncoder(context.tables, level: sink.level)
    }

    // MARK: Opening and closing

    /// Makes the folder, takes the lock, and finishes what a crash has left half done.
    func connect() throws {
        let folder = try OutputFolder(sink.target, pipeline: context.pipeline, shard: context.shard)
        let lock = try RunLock(
            path: folder.lock,
            subject: "pipeline '\(context.pipeline)' (shard \(context.shard)) at \(sink.target)")
        self.lock = lock
        try Failpoint.reach("ndjson.open.locked")
        try Ownership.claim(folder, mode: sink.mode)
        try lock.mark(folder.owner, as: "\(context.pipeline).\(context.shard)")
        try Failpoint.reach("ndjson.open.owned")
        var history = try RunHistory(folder)
        try Recovery(folder: folder, warn: warn).perform(&history)
        try Failpoint.reach("ndjson.open.recovered")
        // Found out before anybody is asked for: what this run replaces.
        if sink.mode.holdsOneRun { _ = try history.published }
        store = Store(
            folder: folder, history: history, standing: history.newest,
            fault: history.newest.flatMap { folder.fault(of: $0) })
    }

    func close() {
        if let store, store.pending != nil { undo(store) }
        store?.files?.close()
        store = nil
        lock?.release()
        lock = nil
    }

    // MARK: Runs

    func state() throws -> SinkState {
        let store = try opened()
        return SinkState(
            lastRun: store.standing?.run, checkpoint: store.standing?.checkpoint, fault: store.fault)
    }

    func run(withID runID: String) throws -> RunRecord? {
        let store = try opened()
        return store.standing?.run.runID == runID ? store.standing?.run : store.history[runID]?.run
    }

    /// Rows are appended to files that readers don't see yet. What is published is never changed: its bytes are in the
    /// manifest, and readers may be at it.
    func failures(from ordinal: Int, limit: Int) throws -> [FailedRecord] {
        guard let standing = try requireNothingPrepared().standing,
            let index = context.tables.firstIndex(where: { $0.role == .failures })
        else { return [] }
        switch standing.run.state {
        case .running, .unpublished: break
        case .abandoned: return []
        case .complete where standing.run.counts.failed == 0: return []
        case .complete:
            throw PipelineError(
                .cantCreate,
                "\(sink.target): run \(standing.run.runID) is published with \(standing.run.counts.failed) failures, and "
                    + "published files are never changed",
                hint: "sluice run --fresh --logical-date \(standing.run.logicalDate) --retry does the run again in its "
                    + "place, and asks again for what fails before it publishes.")
        }
        var records: [FailedRecord] = []
        try files().forEachLine(of: index) { line in
            let record = try FailedRecord(line: line)
            if record.ordinal >= ordinal { records.append(record) }
            // Amended rows come last in the file.
            if records.count >= 2 * limit { records = Self.first(limit, of: records) }
        }
        return Self.first(limit, of: records)
    }

    private static func first(_ limit: Int, of records: [FailedRecord]) -> [FailedRecord] {
        Array(records.sorted { $0.ordinal < $1.ordinal }.prefix(limit))
    }

    func abandonRun(_ runID: String) throws {
        let store = try requireNothingPrepared()
        let known = store.standing?.run.runID == runID ? store.standing : store.history[runID]
        guard let standing = known, standing.run.state == .running || standing.run.state == .unpublished else { return }
        let abandoned = standing.ended(.abandoned, finishedAt: Timestamp.now.text)
        if store.standing?.run.runID == runID { forgetFiles() }
        try Failpoint.reach("ndjson.abandon-run.before-history")
        try self.store?.history.write(abandoned)
        if store.standing?.run.runID == runID { self.store?.standing = abandoned }
        try Failpoint.reach("ndjson.abandon-run.after-history")
        try store.folder.discard(store.folder.underWay(runID))
        try Failpoint.reach("ndjson.abandon-run.after-discard")
        try store.folder.emptyTrash()
    }

    func begin(_ run: RunRecord, fingerprint: String) throws -> Checkpoint {
        let store = try requireNothingPrepared()
        guard Self.isName(run.runID) else {
            throw PipelineError(.software, "'\(run.runID)' can't name a folder")
        }
        let folder = store.folder
        let newest = max(
            store.history.newest?.sequence ?? 0, try Manifest.standing(in: folder.current)?.sequence ?? 0)
        var run = run
        run.state = .running
        run.finishedAt = nil
        run.counts = RunCounts()
        let standing = RunStanding(
            pipeline: context.pipeline, shard: context.shard, shards: context.shards, mode: sink.mode,
            sequence: newest + 1, run: run,
            checkpoint: Checkpoint(
                runID: run.runID, commitNumber: 0, progress: .start, counts: run.counts, fingerprint: fingerprint))
        try Publication.checkPlace(folder, standing)
        try Publication.checkNames(folder, standing)
        // Begun again while it is under way: whatever stops this from here on, the earlier form is given up.
        try abandonRun(run.runID)
        forgetFiles()
        try Failpoint.reach("ndjson.begin.before-folder")
        let tables = try folder.make(standing, context.tables)
        try Failpoint.reach("ndjson.begin.after-rename")
        try self.store?.history.write(standing)
        self.store?.fault = nil
        try Failpoint.reach("ndjson.begin.after-history")
        self.store?.standing = standing
        self.store?.files = try RunFiles(folder.underWay(run.runID), tables, maxFileSize: sink.maxFileSize)
        return standing.checkpoint
    }

    private static func isName(_ runID: String) -> Bool {
        !runID.isEmpty && runID.utf8.count <= 200 && !runID.hasPrefix(".") && runID != "runs" && runID != "current"
            && !runID.utf8.contains(UInt8(ascii: "/")) && !runID.utf8.contains(0)
    }

    // MARK: Commits

    func prepare(_ batch: Batch) async throws -> Checkpoint {
        let standing = try unfinished()
        guard batch.commitNumber == standing.checkpoint.commitNumber + 1, batch.tables.count == context.tables.count
        else {
            throw PipelineError(
                .software,
                "\(sink.target): commit \(batch.commitNumber) doesn't follow commit \(standing.checkpoint.commitNumber) "
                    + "of pipeline '\(context.pipeline)'")
        }
        let files = try files()
        let failures = context.tables.firstIndex { $0.role == .failures }
        try Failpoint.reach("ndjson.prepare.before-compression")
        isEncoding = true
        let segments: [[DeflateSegment]]
        do {
            segments = try await encoder.encode(batch.tables)
            isEncoding = false
        } catch {
            isEncoding = false
            throw error
        }
        guard store?.files === files else { throw PipelineError(.software, "\(sink.target): the session is closed") }
        return try undoing(files) {
            try Failpoint.reach("ndjson.prepare.before-write")
            try files.checkPlace()
            var segments = segments
            if let failures, !batch.amends.isEmpty {
                let added = segments[failures]
                segments[failures] = []
                try files.write(segments)
                try Failpoint.reach("ndjson.amend.before-copy")
                let gone = Set(batch.amends)
                files.replace(
                    failures,
                    with: try files.copy(failures, level: sink.level, adding: added) { line in
                        try !gone.contains(FailedRecord(line: line).ordinal)
                    })
                try Failpoint.reach("ndjson.amend.after-copy")
            } else {
                try files.write(segments)
            }
            try Failpoint.reach("ndjson.prepare.after-write")
            var next = standing
            next.checkpoint = standing.checkpoint.advanced(by: batch, observed: RunCounts())
            next.run.counts = next.checkpoint.counts
            store?.pending = RunCheckpoint(next, files.prepared)
            return next.checkpoint
        }
    }

    func prepareCompletion(state: RunState, finishedAt: String) throws -> Checkpoint {
        let standing = try unfinished()
        guard state == .complete || state == .unpublished && sink.mode.publishesAtEnd else {
            throw PipelineError(.software, "\(sink.target): a run can't end as '\(state.rawValue)' here")
        }
        let files = try files()
        return try undoing(files) {
            try files.checkPlace()
            guard state == .complete else {
                let waiting = standing.ended(.unpublished, finishedAt: finishedAt)
                store?.pending = RunCheckpoint(waiting, files.committed)
                return waiting.checkpoint
            }
            var observed = RunCounts()
            if sink.mode.holdsOneRun, let before = try store?.history.published {
                observed.previousEndpoints = before.checkpoint.counts.endpoints
                observed.removed = max(0, observed.previousEndpoints - standing.checkpoint.counts.endpoints)
            }
            let ended = standing.ended(.complete, finishedAt: finishedAt, observed: observed)
            try Failpoint.reach("ndjson.complete.before-write")
            try files.writeEnds()
            try Failpoint.reach("ndjson.complete.after-trailers")
            let manifest = Manifest(
                standing: ended, tables: Array(zip(context.tables, files.prepared.map(\.finished))))
            try OutputFile(files.nascentManifest, .fresh).write(manifest.json, at: 0)
            try Failpoint.reach("ndjson.complete.after-manifest")
            store?.pending = RunCheckpoint(ended, files.prepared, isComplete: true)
            return ended.checkpoint
        }
    }

    func commit() throws {
        let store = try opened()
        guard let pending = store.pending, let files = store.files else {
            throw PipelineError(.software, "\(sink.target): nothing is prepared that could be committed")
        }
        self.store?.pending = nil
        self.store?.isSpent = true
        let isComplete = pending.standing.run.state == .complete
        try Failpoint.reach("ndjson.commit.before-data-fsync")
        try files.sync()
        try Failpoint.reach("ndjson.commit.after-data-fsync")
        if isComplete { try placeManifest(files) }
        let replacement = try Replacement(of: "\(files.folder)/\(RunCheckpoint.name)", with: pending.json)
        try Failpoint.reach("ndjson.commit.after-checkpoint-write")
        try replacement.sync()
        try Failpoint.reach("ndjson.commit.after-checkpoint-fsync")
        try files.checkPlace()
        try replacement.replace()
        try Failpoint.reach("ndjson.commit.after-checkpoint-rename")
        try Files.sync(folder: files.folder)
        try Failpoint.reach("ndjson.commit.after-folder-fsync")
        files.settle()
        self.store?.standing = pending.standing
        if isComplete {
            forgetFiles()
            var history = store.history
            try Publication(folder: store.folder, standing: pending.standing, warn: warn).perform(&history)
            self.store?.history = history
        }
        self.store?.isSpent = false
    }

    private func placeManifest(_ files: RunFiles) throws {
        let manifest = try OutputFile(files.nascentManifest, .existing)
        try manifest.sync()
        try Failpoint.reach("ndjson.commit.after-manifest-fsync")
        try Files.move(manifest.path, to: "\(files.folder)/\(Manifest.name)")
        try Failpoint.reach("ndjson.commit.after-manifest-rename")
        try Files.sync(folder: files.folder)
    }

    func abandon() {
        guard let store, store.pending != nil else { return }
        undo(store)
    }

    /// Cuts the files back to what is committed.
    private func undo(_ store: Store) {
        if let files = store.files {
            files.abandon()
            try? Files.remove(files.nascentManifest)
        }
        self.store?.pending = nil
    }

    /// An error undoes what was written.
    private func undoing<R>(_ files: RunFiles, _ body: () throws -> R) throws -> R {
        do { return try body() } catch {
            if let store { undo(store) }
            throw error
        }
    }

    // MARK: What is there

    private func opened() throws -> Store {
        guard let store else { throw PipelineError(.software, "\(sink.target): the session is closed") }
        return store
    }

    /// The store while nothing is prepared.
    private func requireNothingPrepared() throws -> Store {
        let store = try opened()
        guard !isEncoding, store.pending == nil else {
            throw PipelineError(.software, "\(sink.target): a prepared batch is neither committed nor abandoned")
        }
        guard !store.isSpent else {
            throw PipelineError(.software, "\(sink.target): a commit has failed; the session can only be closed")
        }
        return store
    }

    /// The run that may be written to.
    private func unfinished() throws -> RunStanding {
        guard let standing = try requireNothingPrepared().standing,
            standing.run.state == .running || standing.run.state == .unpublished
        else {
            throw PipelineError(.software, "\(sink.target): no run of pipeline '\(context.pipeline)' is under way")
        }
        return standing
    }

    /// The newest run's files, taken up where its checkpoint says.
    private func files() throws -> RunFiles {
        let store = try opened()
        if let files = store.files { return files }
        guard let standing = store.standing else {
            throw PipelineError(.software, "\(sink.target): no run of pipeline '\(context.pipeline)' is under way")
        }
        let files = try store.folder.takeUp(standing, context.tables, maxFileSize: sink.maxFileSize)
        self.store?.files = files
        return files
    }

    private func forgetFiles() {
        store?.files?.close()
        store?.files = nil
    }
}
