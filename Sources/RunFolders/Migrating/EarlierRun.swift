internal import LocalFiles
internal import PipelineCore
internal import StoreFormat

/// An unfinished run in a folder of an earlier format. Its records were counted and laid out otherwise, so this version can't go on
/// with it; and as long as it is there the folder isn't migrated, so that the earlier version still can.
struct EarlierRun {
    /// As its checkpoint file has it, where that can be read.
    var stored: StoredRunState
    /// Why the checkpoint file can't be read.
    private var fault: PipelineError?

    /// The run of this pipeline and shard; nil where there is none, or the folder is of the present format.
    static func unfinished(in folder: OutputFolder, _ history: RunHistory) throws -> EarlierRun? {
        guard history.format < .current else { return nil }
        return history.unfinished.sorted { $0.sequence > $1.sequence }.lazy.compactMap { EarlierRun($0, folder) }.first
    }

    /// The first one of any pipeline and shard.
    static func unfinishedOfAny(in folder: OutputFolder) throws -> EarlierRun? {
        try RunHistory.all(in: folder).lazy.map(\.stored).filter(\.isUnfinished)
            .compactMap { EarlierRun($0, folder.of($0)) }.first
    }

    /// Nil for one that is complete, but for its publication: that can be finished.
    private init?(_ record: StoredRunState, _ folder: OutputFolder) {
        stored = record
        do {
            if let checkpoint = try RunCheckpoint.read(in: folder.underWay(record.run.runID)),
                checkpoint.stored.sequence == record.sequence
            {
                stored = checkpoint.stored
            }
        } catch {
            fault = error as? PipelineError ?? PipelineError(.software, "\(error)")
        }
        if !stored.isUnfinished || stored.format == .current && fault == nil { return nil }
    }

    /// Why it can't be gone on with, or the folder isn't migrated.
    func refusal(in folder: OutputFolder) -> PipelineError {
        if folder.owns(stored), let fault { return fault }
        var refusal = StoreFormat.unfinished(stored.run.runID, of: folder.listed, writtenBy: stored.run.version)
        if !folder.owns(stored) {
            refusal.hint =
                "It is one of pipeline '\(stored.pipeline)' (shard \(stored.shard)), which shares the folder: finish it with "
                + "that version, or run that pipeline with --fresh to give it up; then run again. Nothing was changed."
        }
        return refusal
    }
}
