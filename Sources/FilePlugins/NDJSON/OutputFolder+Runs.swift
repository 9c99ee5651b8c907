internal import PipelineCore

/// The folder of a run under way: made, and taken up again.
extension OutputFolder {
    /// Makes a run's folder under another name, with all that belongs in it, and puts it in its place, durably.
    ///
    /// An error leaves nothing of it, or a folder that the history doesn't know.
    func make(_ standing: RunStanding, _ tables: [TableDefinition]) throws -> [TableFiles] {
        do {
            try Files.remove(nascent)
            try Files.makeFolder(nascent)
            let files = try RunFiles.create(in: nascent, tables)
            try Failpoint.reach("ndjson.begin.after-files")
            try Replacement.write(
                RunCheckpoint(standing, files).json, to: "\(nascent)/\(RunCheckpoint.name)", in: nascent)
            try Failpoint.reach("ndjson.begin.after-checkpoint")
            let place = underWay(standing.run.runID)
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
    func takeUp(_ standing: RunStanding, _ tables: [TableDefinition], maxFileSize: Int) throws -> RunFiles {
        let folder = underWay(standing.run.runID)
        let checkpoint = try checkpoint(of: standing)
        for name in [RunCheckpoint.name + ".new", Manifest.name, Manifest.name + ".new"] {
            try Files.remove("\(folder)/\(name)")
        }
        let files = try RunFiles.resume(checkpoint, in: folder, tables: tables, maxFileSize: maxFileSize)
        try Failpoint.reach("ndjson.resume.done")
        return files
    }

    /// The checkpoint file of an unfinished run.
    ///
    /// - Throws: `PipelineError`: `.configuration` where it can't be understood, `.ioError` where it isn't there or is that of
    ///   another run.
    func checkpoint(of standing: RunStanding) throws -> RunCheckpoint {
        let folder = underWay(standing.run.runID)
        guard let checkpoint = try RunCheckpoint.read(in: folder), checkpoint.standing == standing else {
            throw PipelineError(
                .ioError, "the files of the unfinished run \(standing.run.runID) aren't in \(folder) any more",
                hint: "Put them back to resume the run, or run with --fresh to begin again.")
        }
        return checkpoint
    }

    /// Whether all that is here was begun by this pipeline and shard, and has committed nothing: that binds nobody.
    func isLeftByFirstTry() throws -> Bool {
        guard try Files.names(in: root.isEmpty ? "/" : root) == [".sluice"] else { return false }
        for name in try Files.names(in: runs) {
            guard let standing = try RunHistory.standing(at: "\(runs)/\(name)"), owns(standing) else { return false }
            switch standing.run.state {
            case .complete, .unpublished: return false
            case .abandoned: continue
            case .running: break
            }
            // Where its files are gone, nobody knows how far it was.
            let checkpoint = try RunCheckpoint.read(in: underWay(standing.run.runID))
            guard checkpoint?.standing.checkpoint.commitNumber == 0 else { return false }
        }
        return true
    }

    /// Why a run can't be gone on with, as far as its checkpoint file tells; nil where it can, or is at its end.
    func fault(of standing: RunStanding) -> PipelineError? {
        guard standing.run.state == .running || standing.run.state == .unpublished else { return nil }
        do { _ = try checkpoint(of: standing) } catch {
            return error as? PipelineError ?? PipelineError(.software, "\(error)")
        }
        return nil
    }
}
