internal import LocalFiles
internal import PipelineCore
internal import StoreFormat

/// Runs: looked at, begun, given up.
extension RunFolderSession {
    func state() throws -> SinkState {
        let opened = try requireOpen()
        return SinkState(lastRun: opened.newest?.run, checkpoint: opened.newest?.checkpoint, fault: opened.fault)
    }

    func run(withID runID: String) throws -> RunRecord? { try known(runID, requireOpen())?.run }

    private func known(_ runID: String, _ opened: OpenFolder) -> StoredRunState? {
        opened.newest?.run.runID == runID ? opened.newest : opened.history[runID]
    }

    func abandonRun(_ runID: String) throws {
        let opened = try requireNothingPrepared()
        guard let stored = known(runID, opened), stored.isUnfinished else { return }
        let isNewest = opened.newest?.run.runID == runID
        let abandoned = stored.ended(.abandoned, finishedAt: Timestamp.now.text)
        if isNewest { forgetFiles() }
        try Failpoint.reach("ndjson.abandon-run.before-history")
        try self.opened?.history.write(abandoned)
        if isNewest { self.opened?.newest = abandoned }
        try Failpoint.reach("ndjson.abandon-run.after-history")
        try opened.folder.discard(opened.folder.underWay(runID))
        try Failpoint.reach("ndjson.abandon-run.after-discard")
        try opened.folder.emptyTrash()
    }

    func begin(_ run: RunRecord, fingerprint: String) throws -> Checkpoint {
        var opened = try requireNothingPrepared()
        if opened.history.format < .current {
            // What kept it as it was is given up by now.
            try settle(opened.folder)
            opened = try requireNothingPrepared()
        }
        let folder = opened.folder
        guard folder.canName(run.runID) else {
            throw PipelineError(.software, "'\(run.runID)' can't name a folder")
        }
        let newest = max(
            opened.history.newest?.sequence ?? 0, try Manifest.state(in: folder.current)?.sequence ?? 0)
        var run = run
        run.state = .running
        run.finishedAt = nil
        run.counts = RunCounts()
        let stored = StoredRunState(
            pipeline: context.pipeline, shard: context.shard, shards: context.shards, mode: store.mode,
            sequence: newest + 1, run: run,
            checkpoint: Checkpoint(
                runID: run.runID, commitNumber: 0, progress: .start, counts: run.counts, fingerprint: fingerprint))
        try Publication.checkPlace(folder, stored)
        try Publication.checkNames(folder, stored)
        // Begun again while it is under way: whatever stops this from here on, the earlier form is given up.
        try abandonRun(run.runID)
        forgetFiles()
        try Failpoint.reach("ndjson.begin.before-folder")
        let tables = try folder.make(stored, format)
        try Failpoint.reach("ndjson.begin.after-rename")
        try self.opened?.history.write(stored)
        self.opened?.fault = nil
        try Failpoint.reach("ndjson.begin.after-history")
        self.opened?.newest = stored
        self.opened?.leftOut = []
        self.opened?.files = try RunFiles(
            folder.underWay(run.runID), tables, format, maxFileSize: store.maxFileSize)
        return stored.checkpoint
    }

    /// Rows are appended to files that readers don't see yet. What is published is never changed: its bytes are in the
    /// manifest, and readers may be at it.
    func failures(from ordinal: Int, limit: Int) throws -> [FailedRecord] {
        guard let newest = try requireNothingPrepared().newest, let table = format.failures else { return [] }
        switch newest.run.state {
        case .running, .unpublished: break
        case .abandoned: return []
        case .complete, .notHandedOver:
            if newest.run.counts.failed == 0 { return [] }
            throw PipelineError(
                .cantCreate,
                "\(store.path): run \(newest.run.runID) is published with \(newest.run.counts.failed) failures, and "
                    + "published files are never changed",
                hint: "sluice run --fresh --logical-date \(newest.run.logicalDate) --retry does the run again in its "
                    + "place, and asks again for what fails before it publishes.")
        }
        var records: [FailedRecord] = []
        try files().forEachRecord(of: table) { bytes in
            let record = try format.failure(bytes)
            if record.ordinal >= ordinal { records.append(record) }
            // Amended rows come last in the file.
            if records.count >= 2 * limit { records = Self.first(limit, of: records) }
        }
        return Self.first(limit, of: records)
    }

    private static func first(_ limit: Int, of records: [FailedRecord]) -> [FailedRecord] {
        Array(records.sorted { $0.ordinal < $1.ordinal }.prefix(limit))
    }
}
