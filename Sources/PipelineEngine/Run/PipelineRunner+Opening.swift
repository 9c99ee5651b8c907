internal import Flattening
internal import Logging
internal import PipelineCore

/// What comes in front of a run, and may wait for others: a stop ends the wait.
extension PipelineRunner {
    /// Opens the sinks.
    func openedSinks() async throws -> [SinkLane] { try await untilStopped { try await openSinks() } }

    /// Does what may wait for a server, or for others' locks there.
    ///
    /// - Throws: `CancellationError` where a stop ended it.
    func untilStopped<Output: Sendable>(
        _ body: @escaping @Sendable () async throws -> Output
    ) async throws -> Output {
        let work = Task { try await body() }
        stop.onRequest { work.cancel() }
        defer { stop.onRequest(nil) }
        do { return try await work.value } catch {
            if stop.isRequested { throw CancellationError() }
            throw error
        }
    }

    /// The report of a call that ended in front of its run.
    func unbegunReport(_ error: any Error) -> RunReport {
        let told =
            error is CancellationError
            ? PipelineError(
                .temporary, "stopped by a signal while the sinks were made ready; everything committed is safe",
                hint: "Run again.") : PipelineError(describing: error)
        return RunReport(summary: nil, error: told)
    }

    private func openSinks() async throws -> [SinkLane] {
        var lanes: [SinkLane] = []
        do {
            for planned in plan.sinks {
                try Task.checkCancellation()
                let sink = planned.sink
                let session = try await sink.open(
                    SinkContext(
                        pipeline: plan.pipeline, shard: plan.shard.index, shards: plan.shard.count,
                        tables: planned.layout.tables, onNewColumns: plan.onNewColumns, conflict: plan.source.conflict))
                do {
                    lanes.append(
                        SinkLane(
                            name: sink.name, typeName: sink.typeName, target: sink.target, mode: sink.mode,
                            content: planned.content, fingerprint: planned.fingerprint, session: session,
                            found: try await session.state()))
                } catch {
                    await session.close()
                    throw error
                }
            }
        } catch {
            for lane in lanes { await lane.session.close() }
            throw error
        }
        return lanes
    }

    /// Makes a run's input ready.
    func prepare(_ reader: any UserReader, for record: RunRecord) async throws {
        let wasKept = try await untilStopped { try await reader.prepare(for: inputRun(record)) }
        if wasKept {
            log.notice(
                "the run goes on with the user IDs as they were read when it began; what the input holds now isn't read",
                metadata: ["run_id": "\(record.runID)"])
        }
    }

    /// The run as its input's reader knows it.
    func inputRun(_ record: RunRecord) -> InputRun {
        InputRun(
            pipeline: plan.pipeline, shard: plan.shard.index, runID: record.runID, startedAt: record.startedAt)
    }

    /// Lets go of what was kept aside of a run's input; does nothing where nothing is.
    func releaseInput(of record: RunRecord) async {
        guard case .lookup(let reader, _, _) = plan.source else { return }
        await reader.release(inputRun(record))
    }
}
