internal import Flattening
internal import PipelineCore

/// What the shards of one run have to agree on.
extension PipelineRunner {
    /// Which files are a shard's depends on all of them, so every shard has to find the same ones, whenever it looks.
    ///
    /// - Parameter record: The run; its own listing is compared as well, if it has one.
    /// - Throws: `PipelineError` of kind `.noInput` where this process has found another archive than the run, or than
    ///   another shard that one of the sinks tells of.
    func requireSameListing(_ archive: ListedArchive, in record: RunRecord) async throws {
        guard !plan.shard.isWhole else { return }
        let hash = archive.hash
        if let own = record.listingHash, own != hash { throw otherFiles(record, "this shard found when it began") }
        for planned in plan.sinks {
            let reader = try await untilStopped {
                try await planned.sink.openForReading(
                    SinkReadingContext(pipeline: plan.pipeline, tables: planned.layout.tables))
            }
            let runs: [StoredRun]
            do { runs = try await untilStopped { try await reader.runs().runs } } catch {
                await reader.close()
                throw error
            }
            await reader.close()
            let other = runs.first {
                $0.record.runID == record.runID && $0.shard != plan.shard.index && $0.record.state != .abandoned
                    && ($0.record.listingHash ?? hash) != hash
            }
            if let other { throw otherFiles(record, "shard \(other.shard) found") }
        }
    }

    private func otherFiles(_ record: RunRecord, _ whose: String) -> PipelineError {
        PipelineError(
            .noInput,
            "the archive's files are others than those that \(whose) for run \(record.runID): names or sizes differ",
            hint: "Restore the files; or do all shards with another --logical-date, which reads what is there now.")
    }
}
