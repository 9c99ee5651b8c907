internal import Flattening
public import PipelineCore

extension RunPlan {
    /// Counting the input may take so long.
    private static let countingTime = Duration.seconds(5)

    /// Finds out what a run with this request would do. Reads the input and looks at the sinks; writes nothing.
    public func outlook(_ request: RunRequest, now: Timestamp = .now) async -> RunOutlook {
        var outlook = RunOutlook(
            pipeline: pipeline, action: .nothing(runID: ""), input: nil, limits: limits,
            sinks: sinks.map { planned in
                RunOutlook.SinkOutlook(
                    name: planned.sink.name, typeName: planned.sink.typeName, target: planned.sink.target,
                    mode: planned.sink.mode, guarantee: planned.sink.guarantee)
            },
            caveats: caveats)
        do {
            try requireShardable(isDated: request.logicalDate != nil)
            for (index, planned) in sinks.enumerated() {
                outlook.sinks[index].inspection = try await planned.sink.inspect(context(of: planned))
            }
            let inspections = outlook.sinks.compactMap(\.inspection)
            for case .failure(let kind) in inspections.flatMap(\.findings).map(\.verdict) {
                let finding = inspections.flatMap(\.findings).first { $0.verdict == .failure(kind) }
                throw PipelineError(kind, finding?.message ?? "", hint: finding?.hint)
            }
            outlook.action = try await action(request, inspections.map(\.state), now)
            outlook.input = try await input()
            rates(&outlook, inspections.lazy.compactMap(\.state.checkpoint?.progress.sourceState).first)
        } catch {
            outlook.action = .refusal(
                error as? PipelineError ?? PipelineError(.software, "\(error)", hint: "Please report it."))
        }
        return outlook
    }

    private func action(
        _ request: RunRequest, _ states: [SinkState], _ now: Timestamp
    ) async throws -> RunOutlook.Action {
        let decision = try RunDecision.decide(
            pipeline: pipeline, request: request,
            states: zip(sinks, states).map { ($0.sink.name, $1, $0.fingerprint) },
            dated: try await dated(request), now: now,
            publishes: { inputLimit == nil && limits.publishes($0, ofList: source.isList) })
        switch decision {
        case .begin(let date, let abandoning):
            return .begin(runID: RunDecision.runID(pipeline, date), abandoning: abandoning.sorted())
        case .publishPending(let run): return .publish(runID: run.runID)
        case .nothing(let run): return .nothing(runID: run.runID)
        case .resume(let run):
            // Sinks differ by one commit at most; the first one speaks for them, as in a summary.
            let first = states.first.flatMap { $0.lastRun?.runID == run.runID ? $0.checkpoint : nil }
            let progress = first?.progress ?? .start
            return .resume(
                runID: run.runID, consumed: progress.consumed, ordinal: progress.nextOrdinal,
                parked: progress.parked.count)
        }
    }

    /// The run of the date that was asked for, where every sink has it in one state.
    private func dated(_ request: RunRequest) async throws -> RunRecord? {
        guard let date = request.logicalDate else { return nil }
        let runID = RunDecision.runID(pipeline, date.wholeSecond)
        var records: [RunRecord?] = []
        for planned in sinks {
            let reader = try await planned.sink.openForReading(
                SinkReadingContext(pipeline: pipeline, tables: planned.layout.tables))
            do {
                let runs = try await reader.runs().runs
                records.append(runs.first { $0.record.runID == runID && $0.shard == shard.index }?.record)
                await reader.close()
            } catch {
                await reader.close()
                throw error
            }
        }
        return Set(records.map { $0?.state }).count == 1 ? records.first ?? nil : nil
    }

    private func input() async throws -> RunOutlook.Input {
        switch source {
        case .lookup(let reader, _, _): return .list(try await reader.count(within: Self.countingTime))
        case .archive(let reader, _, _):
            let archive = try await ListedArchive.open(reader, for: shard)
            await archive.cursor.close()
            let read = archive.filesToRead
            return .archive(
                files: read.count, leftOut: archive.listing.count { $0.leftOut != nil },
                bytes: read.reduce(0) { $0 + $1.size })
        }
    }

    private func rates(_ outlook: inout RunOutlook, _ state: String?) {
        guard let lookup = source.lookup else { return }
        let allowed = lookup.statistics.allowedRate
        outlook.allowedRate = allowed
        guard let state, let allowed else { return }
        lookup.restore(state: state)
        if let learned = lookup.statistics.foundRate ?? lookup.statistics.allowedRate, learned < allowed {
            outlook.learnedRate = learned
        }
    }

    private var caveats: [String] {
        guard !shard.isWhole, !source.isList else { return [] }
        return [
            "The shards of an archive have to find the same files; where their stores are separate nobody can compare what "
                + "they found."
        ]
    }
}
