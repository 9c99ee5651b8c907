internal import Flattening
internal import Logging
internal import PipelineCore

/// What comes before a run, and may wait for others: a stop ends the wait.
extension PipelineRunner {
    /// Opens the sinks, and closes them afterwards.
    func withOpenSinks<Output>(_ body: ([SinkLane]) async throws -> Output) async throws -> Output {
        let sinks: [SinkLane]
        do { sinks = try await untilStopped { try await openSinks() } } catch let error as PipelineError
            where error.kind == .temporary
        { throw LockedOut(error: error) }
        let result: Result<Output, any Error>
        do { result = .success(try await body(sinks)) } catch { result = .failure(error) }
        for sink in sinks { await sink.session.close() }
        return try result.get()
    }

    /// Does what may wait for a server, or for others' locks there.
    ///
    /// - Throws: `CancellationError` where a stop ended it.
    func untilStopped<Output: Sendable>(
        _ body: @escaping @Sendable () async throws -> Output
    ) async throws -> Output {
        let work = Task { try await body() }
        let listening = stop.onRequest { work.cancel() }
        defer { listening.end() }
        do { return try await work.value } catch {
            if stop.isRequested { throw CancellationError() }
            throw error
        }
    }

    private func openSinks() async throws -> [SinkLane] {
        var lanes: [SinkLane] = []
        do {
            for planned in plan.sinks {
                try Task.checkCancellation()
                let sink = planned.sink
                let subject = "sink '\(sink.name)'"
                let context = plan.context(of: planned) { [board] in board.note(waitOf: subject, for: $0) }
                let session = try await board.waiting(subject, for: "it is being opened") {
                    try await sink.open(context)
                }
                do {
                    lanes.append(
                        SinkLane(
                            name: sink.name, typeName: sink.typeName, target: sink.target, mode: sink.mode,
                            rowSetIndex: planned.rowSetIndex, fingerprint: planned.fingerprint, session: session,
                            stateAtOpen: try await session.state()))
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
        let wasKept = try await untilStopped {
            try await board.waiting("users", for: "their list is being read") {
                try await reader.prepare(for: inputRun(record))
            }
        }
        if wasKept {
            log.notice(
                "the run goes on with the user IDs as they were read when it began; what the input holds now isn't read",
                metadata: ["run_id": "\(record.runID)"])
        }
    }

    /// Looks at what is kept aside of the input of the run that the sinks are in the middle of.
    func checkKeptInput(of sinks: [SinkLane]) async throws {
        for record in Set(sinks.compactMap(\.stateAtOpen.lastRun)) {
            try await untilStopped { try await plan.checkKeptInput(of: record, shard: plan.shard.index) }
        }
    }

    /// Lists an archive.
    func list(_ reader: any ArchiveReader) async throws -> ListedArchive {
        try await untilStopped { try await ListedArchive.open(reader, for: plan.shard) }
    }

    /// The run as its input's reader knows it.
    func inputRun(_ record: RunRecord) -> InputRun {
        InputRun(
            pipeline: plan.pipeline, shard: plan.shard.index, runID: record.runID, startedAt: record.startedAt)
    }

    /// Deletes the spool of a run's input; does nothing where there is none.
    func releaseInput(of record: RunRecord) async {
        guard case .lookup(let reader, _, _) = plan.source else { return }
        await reader.release(inputRun(record))
    }
}
