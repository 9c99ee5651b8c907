internal import PipelineCore

/// The loop that a run and a retry share: a source's records are gathered into batches, and each batch is committed
/// while the next one is gathered.
struct CommitLoop {
    let source: any RecordSource
    let committer: LockstepCommitter
    let stop: StopSignal

    /// Goes on to the end of the source, or until a stop is requested. The commit under way is finished in any case, and
    /// the source is closed afterwards.
    ///
    /// - Parameter note: Told what the source has yielded, before it is gathered.
    /// - Throws: What ended the loop. A commit's error takes precedence: it explains the others.
    ///   `CancellationError` where a stop closed the source.
    func run(_ gatherer: consuming some BatchGatherer, note: ([SourceEvent]) -> Void) async throws {
        let underWay = CommitUnderWay()
        let listening = stop.onRequest { [source] in
            underWay.stopWaiting()
            Task { await source.close() }
        }
        defer { listening.end() }
        let commits = CommitPipeline(committer: committer, source: source, underWay: underWay)
        var failure: (any Error)?
        do {
            while !stop.isRequested {
                let events = try await source.next(limit: min(256, gatherer.room))
                if events.isEmpty { break }
                note(events)
                for event in events {
                    if let batch = try gatherer.take(event) { try await commits.submit(batch) }
                }
            }
            if !stop.isRequested, let batch = gatherer.takeRest() { try await commits.submit(batch) }
        } catch { failure = error }
        do { try await commits.drain() } catch { failure = error }
        await source.close()
        if let failure { throw failure }
    }
}
