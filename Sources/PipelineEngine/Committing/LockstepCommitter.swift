internal import PipelineCore
internal import Synchronization

/// Commits batches to all sinks in lockstep: every sink prepares, the brakes are judged, then all commit.
actor LockstepCommitter {
    private(set) var lanes: [SinkLane]
    private let brakes: Brakes
    /// Whether the records are a list's, not an archive's.
    private let isOfList: Bool
    /// True while a commit is under way.
    nonisolated let isBusy = BusyFlag()

    init(lanes: [SinkLane], brakes: Brakes, isOfList: Bool) {
        self.lanes = lanes
        self.isOfList = isOfList
        self.brakes = brakes
    }

    /// Commits what was gathered to every sink that it concerns.
    ///
    /// - Throws: the brake's error, nothing being committed then; otherwise the first failing sink's error, after the
    ///   others have committed.
    func commit(_ gathered: some GatheredBatch) async throws {
        let batches = gathered.batches(after: lanes)
        isBusy.set(true)
        defer { isBusy.set(false) }
        var outcome = await forEach(batches) { session, batch in try await session.prepare(batch) }
        let prepared = outcome.results
        try await judge(prepared) { index, checkpoint in
            guard let before = lanes[index].checkpoint, let batch = batches[index] else { return ["no run has begun"] }
            return before.differences(of: checkpoint, after: batch)
        }
        let committed = await forEach(prepared) { session, _ in try await session.commit() }
        for index in committed.results.keys { lanes[index].checkpoint = prepared[index] }
        outcome.errors.merge(committed.errors) { first, _ in first }
        if let first = outcome.errors.min(by: { $0.key < $1.key }) { throw first.value }
    }

    /// Ends the run in every sink, in two steps as well. A `replace` with more failures, or more records without a usable
    /// ID, than are accepted isn't published: it waits.
    ///
    /// - Parameter publishes: Whether a `replace` may be published at all; otherwise it waits, whatever failed.
    /// - Throws: as `commit`.
    func complete(finishedAt: String, publishes: Bool) async throws {
        var ends: [Int: RunState] = [:]
        for (index, lane) in lanes.enumerated() where lane.end?.isPublished != true {
            guard let checkpoint = lane.checkpoint else { continue }
            let end: RunState =
                lane.mode.publishesAtEnd && !(publishes && brakes.limits.publishes(checkpoint.counts, ofList: isOfList))
                ? .unpublished : .complete
            if end != lane.end { ends[index] = end }
        }
        var outcome = await forEach(ends) { session, end in
            try await session.prepareCompletion(state: end, finishedAt: finishedAt)
        }
        let prepared = outcome.results
        try await judge(prepared) { index, checkpoint in
            lanes[index].checkpoint?.differencesAtEnd(of: checkpoint) ?? ["no run has begun"]
        }
        let committed = await forEach(prepared) { session, _ in try await session.commit() }
        for index in committed.results.keys {
            lanes[index].end = ends[index]
            lanes[index].checkpoint = prepared[index]
        }
        outcome.errors.merge(committed.errors) { first, _ in first }
        if let first = outcome.errors.min(by: { $0.key < $1.key }) { throw first.value }
    }

    /// Looks at what the sinks have prepared; what isn't right, or passes a brake, is committed nowhere.
    ///
    /// - Parameter differences: How a sink's checkpoint differs from the one that the engine expects of it.
    private func judge(_ prepared: [Int: Checkpoint], _ differences: (Int, Checkpoint) -> [String]) async throws {
        var wrong: PipelineError?
        for (index, checkpoint) in prepared.sorted(by: { $0.key < $1.key }) where wrong == nil {
            let clauses = differences(index, checkpoint)
            if !clauses.isEmpty { wrong = fault(index, clauses) }
        }
        guard let refusal = wrong ?? firstBrake(prepared) else { return }
        for index in prepared.keys { await lanes[index].session.abandon() }
        throw refusal
    }

    private func fault(_ index: Int, _ clauses: [String]) -> PipelineError {
        PipelineError(
            .software,
            "sink '\(lanes[index].name)' has prepared another checkpoint than follows from what it was given: "
                + clauses.joined(separator: "; "),
            hint: "This is a fault of the sink. Nothing of it is committed, in this sink or another.")
    }

    private func firstBrake(_ checkpoints: [Int: Checkpoint]) -> PipelineError? {
        checkpoints.sorted { $0.key < $1.key }.lazy.compactMap {
            self.brakes.judge($0.value.counts, progress: $0.value.progress, mode: self.lanes[$0.key].mode)
        }.first
    }

    /// Does the same in several sinks at once, each on its own executor.
    private func forEach<Input: Sendable, Output: Sendable>(
        _ inputs: [Int: Input], _ body: @escaping @Sendable (any SinkSession, Input) async throws -> Output
    ) async -> (results: [Int: Output], errors: [Int: any Error]) {
        let work = inputs.map { (index: $0.key, session: lanes[$0.key].session, input: $0.value) }
        return await withTaskGroup(of: (Int, Result<Output, any Error>).self) { group in
            for (index, session, input) in work {
                group.addTask {
                    do { return (index, .success(try await body(session, input))) } catch {
                        return (index, .failure(error))
                    }
                }
            }
            var results: [Int: Output] = [:]
            var errors: [Int: any Error] = [:]
            for await (index, result) in group {
                switch result {
                case .success(let value): results[index] = value
                case .failure(let error): errors[index] = error
                }
            }
            return (results, errors)
        }
    }
}

/// A flag that one task sets and others read.
final class BusyFlag: Sendable {
    private let flag = Atomic(false)

    func set(_ value: Bool) { flag.store(value, ordering: .relaxed) }
    var isSet: Bool { flag.load(ordering: .relaxed) }
}
