internal import Flattening
internal import PipelineCore

/// What comes in front of a run, and may wait for others: a stop ends the wait.
extension PipelineRunner {
    /// Opens the sinks; a stop ends the wait for a server.
    func openedSinks() async throws -> [SinkLane] {
        let opening = Task { try await openSinks() }
        stop.onRequest { opening.cancel() }
        defer { stop.onRequest(nil) }
        do { return try await opening.value } catch {
            guard stop.isRequested else { throw error }
            throw PipelineError(
                .temporary, "stopped by a signal while the sinks were opened; nothing was begun", hint: "Run again.")
        }
    }

    private func openSinks() async throws -> [SinkLane] {
        var lanes: [SinkLane] = []
        do {
            for planned in plan.sinks {
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

    /// Makes an input ready; a stop ends the wait for it.
    func prepare(_ reader: any UserReader, for run: InputRun) async throws {
        let preparation = Task { try await reader.prepare(for: run) }
        stop.onRequest { preparation.cancel() }
        defer { stop.onRequest(nil) }
        do { try await preparation.value } catch {
            if stop.isRequested { throw CancellationError() }
            throw error
        }
    }
}
