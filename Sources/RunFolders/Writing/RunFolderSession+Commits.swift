internal import LocalFiles
internal import PipelineCore

/// The two steps of a commit: rows behind what is committed, then the checkpoint file that counts them in.
extension RunFolderSession {
    // MARK: Preparing

    func prepare(_ batch: Batch) async throws -> Checkpoint {
        let stored = try unfinished()
        guard batch.commitNumber == stored.checkpoint.commitNumber + 1, batch.tables.count == context.tables.count
        else {
            throw PipelineError(
                .software,
                "\(store.path): commit \(batch.commitNumber) doesn't follow commit \(stored.checkpoint.commitNumber) "
                    + "of pipeline '\(context.pipeline)'")
        }
        let files = try files()
        let leftOut = opened?.leftOut ?? []
        try Failpoint.reach("ndjson.prepare.before-compression")
        let segments = try await encode(batch.tables)
        guard opened?.files === files else { throw PipelineError(.software, "\(store.path): the session is closed") }
        return try undoing {
            try Failpoint.reach("ndjson.prepare.before-write")
            try files.checkPlace()
            try write(segments, amending: Set(batch.amends), files)
            try Failpoint.reach("ndjson.prepare.after-write")
            var next = stored
            next.checkpoint = stored.checkpoint.advanced(by: batch, observed: RunCounts())
            next.run.counts = next.checkpoint.counts
            opened?.pending = RunCheckpoint(
                next, files.prepared, leftOut: leftOut.adding(batch.leftOutFiles))
            return next.checkpoint
        }
    }

    private func encode(_ tables: [RowBuffer]) async throws -> [[FileSegment]] {
        isEncoding = true
        defer { isEncoding = false }
        return try await BatchEncoder(tables: format.tables).encode(tables)
    }

    /// - Parameter gone: ordinals whose rows of failures go.
    private func write(_ segments: [[FileSegment]], amending gone: Set<Int>, _ files: RunFiles) throws {
        guard let failures = format.failures, !gone.isEmpty else { return try files.write(segments) }
        var segments = segments
        let added = segments[failures]
        segments[failures] = []
        try files.write(segments)
        try Failpoint.reach("ndjson.amend.before-copy")
        let copy = try files.copy(failures, adding: added) { try !gone.contains(format.failure($0).ordinal) }
        files.replace(failures, with: copy)
        try Failpoint.reach("ndjson.amend.after-copy")
    }

    func prepareCompletion(state: RunState, finishedAt: String) throws -> Checkpoint {
        let stored = try unfinished()
        guard state.isPublished || state == .unpublished && store.mode.publishesAtEnd else {
            throw PipelineError(.software, "\(store.path): a run can't end as '\(state.rawValue)' here")
        }
        let files = try files()
        let leftOut = opened?.leftOut ?? []
        return try undoing {
            try files.checkPlace()
            guard state.isPublished else {
                let waiting = stored.ended(.unpublished, finishedAt: finishedAt)
                opened?.pending = RunCheckpoint(waiting, files.committed, leftOut: leftOut)
                return waiting.checkpoint
            }
            var observed = RunCounts()
            if store.mode.holdsOneRun, let before = try opened?.history.published {
                observed.previousEndpoints = before.checkpoint.counts.endpoints
                observed.removed = max(0, observed.previousEndpoints - stored.checkpoint.counts.endpoints)
            }
            let ended = stored.ended(state, finishedAt: finishedAt, observed: observed)
            try Failpoint.reach("ndjson.complete.before-write")
            try files.writeEnds()
            try Failpoint.reach("ndjson.complete.after-trailers")
            let manifest = Manifest(
                stored: ended, format: format.file, leftOut: leftOut,
                tables: Array(zip(context.tables, files.prepared.map(\.finished))))
            try WritableFile(files.nascentManifest, .fresh).write(manifest.json, at: 0)
            try Failpoint.reach("ndjson.complete.after-manifest")
            opened?.pending = RunCheckpoint(ended, files.prepared, leftOut: leftOut, isComplete: true)
            return ended.checkpoint
        }
    }

    // MARK: Committing

    func commit() throws {
        let opened = try requireOpen()
        guard let pending = opened.pending, let files = opened.files else {
            throw PipelineError(.software, "\(store.path): nothing is prepared that could be committed")
        }
        self.opened?.pending = nil
        self.opened?.isSpent = true
        let isComplete = pending.stored.run.state.isPublished
        try Failpoint.reach("ndjson.commit.before-data-fsync")
        try files.sync()
        try Failpoint.reach("ndjson.commit.after-data-fsync")
        if isComplete { try placeManifest(files) }
        let replacement = try Replacement(of: "\(files.folder)/\(RunLayout.checkpoint)", with: pending.json)
        try Failpoint.reach("ndjson.commit.after-checkpoint-write")
        try replacement.sync()
        try Failpoint.reach("ndjson.commit.after-checkpoint-fsync")
        try files.checkPlace()
        try replacement.replace()
        try Failpoint.reach("ndjson.commit.after-checkpoint-rename")
        try Files.sync(folder: files.folder)
        try Failpoint.reach("ndjson.commit.after-folder-fsync")
        files.markCommitted()
        self.opened?.newest = pending.stored
        self.opened?.leftOut = pending.leftOut
        if isComplete {
            forgetFiles()
            var history = opened.history
            try Publication(folder: opened.folder, stored: pending.stored, warn: store.warn).perform(&history)
            self.opened?.history = history
        }
        self.opened?.isSpent = false
    }

    private func placeManifest(_ files: RunFiles) throws {
        let manifest = try WritableFile(files.nascentManifest, .existing)
        try manifest.sync()
        try Failpoint.reach("ndjson.commit.after-manifest-fsync")
        try Files.move(manifest.path, to: "\(files.folder)/\(RunLayout.manifest)")
        try Failpoint.reach("ndjson.commit.after-manifest-rename")
        try Files.sync(folder: files.folder)
    }

    // MARK: Undoing

    func abandon() {
        guard let opened, opened.pending != nil else { return }
        undo()
    }

    /// Cuts the files back to what is committed.
    private func undo() {
        if let files = opened?.files {
            files.abandon()
            try? Files.remove(files.nascentManifest)
        }
        opened?.pending = nil
    }

    /// An error undoes what was written.
    private func undoing<R>(_ body: () throws -> R) throws -> R {
        do { return try body() } catch {
            undo()
            throw error
        }
    }
}
