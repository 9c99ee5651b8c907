internal import LocalFiles
internal import PipelineCore
internal import StoreFormat

/// The folder of a run under way: made, and taken up again.
extension OutputFolder {
    /// Makes a run's folder under another name, with all that belongs in it, and puts it in its place, durably.
    ///
    /// An error leaves nothing of it, or a folder that the history doesn't know.
    func make(_ stored: StoredRunState, _ format: RunFormat) throws -> [TableFiles] {
        do {
            try Files.remove(nascent)
            try Files.makeFolder(nascent)
            let files = try RunFiles.create(in: nascent, format)
            try Failpoint.reach("ndjson.begin.after-files")
            try Replacement.write(
                RunCheckpoint(stored, files).json, to: "\(nascent)/\(RunLayout.checkpoint)", in: nascent)
            try Failpoint.reach("ndjson.begin.after-checkpoint")
            let place = underWay(stored.run.runID)
            try discard(place)
            try Files.move(nascent, to: place)
            try Files.sync(folder: own)
            try emptyTrash()
            return files
        } catch {
            try? Files.remove(nascent)
            throw error
        }
    }

    /// Takes up the files of an unfinished run where its checkpoint says.
    ///
    /// - Throws: `PipelineError`: `.ioError` where they aren't what the checkpoint says; what `checkpoint(of:)` throws.
    func takeUp(
        _ stored: StoredRunState, _ format: RunFormat, maxFileSize: Int
    ) throws -> (files: RunFiles, leftOut: [LeftOutFile]) {
        let folder = underWay(stored.run.runID)
        let checkpoint = try checkpoint(of: stored)
        for name in [
            RunLayout.nascent(RunLayout.checkpoint), RunLayout.manifest, RunLayout.nascent(RunLayout.manifest),
        ] {
            try Files.remove("\(folder)/\(name)")
        }
        let files = try RunFiles.resume(checkpoint, in: folder, format, maxFileSize: maxFileSize)
        try Failpoint.reach("ndjson.resume.done")
        return (files, checkpoint.leftOut)
    }

    /// The checkpoint file of an unfinished run.
    ///
    /// - Throws: `PipelineError`: `.configuration` where it can't be understood, or an earlier version wrote it; `.ioError`
    ///   where it isn't there or is that of another run.
    func checkpoint(of stored: StoredRunState) throws -> RunCheckpoint {
        let folder = underWay(stored.run.runID)
        guard let checkpoint = try RunCheckpoint.read(in: folder), checkpoint.stored == stored else {
            throw PipelineError(
                .ioError, "the files of the unfinished run \(stored.run.runID) aren't in \(folder) any more",
                hint: "Put them back to resume the run, or run with --fresh to begin again.")
        }
        guard checkpoint.stored.format == .current else {
            throw StoreFormat.unfinished(stored.run.runID, of: listed, writtenBy: checkpoint.stored.run.version)
        }
        return checkpoint
    }

    /// Whether all that is here was begun by this pipeline and shard, and has committed nothing: that binds nobody.
    func isLeftByFirstTry() throws -> Bool {
        guard try Files.names(in: listed) == [".sluice"] else { return false }
        for name in try Files.names(in: records) {
            guard let stored = try RunHistory.state(at: "\(records)/\(name)"), owns(stored) else { return false }
            switch stored.run.state {
            case .complete, .notHandedOver, .unpublished: return false
            case .abandoned: continue
            case .running: break
            }
            // Where its files are gone, nobody knows how far it was.
            let checkpoint = try RunCheckpoint.read(in: underWay(stored.run.runID))
            guard checkpoint?.stored.checkpoint.commitNumber == 0 else { return false }
        }
        return true
    }

    /// Why a run can't be gone on with, as far as its checkpoint file tells; nil where it can, or is at its end.
    func fault(of stored: StoredRunState) -> PipelineError? {
        guard stored.isUnfinished else { return nil }
        do { _ = try checkpoint(of: stored) } catch {
            return error as? PipelineError ?? PipelineError(.software, "\(error)")
        }
        return nil
    }
}
