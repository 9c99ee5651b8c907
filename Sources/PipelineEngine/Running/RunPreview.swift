internal import Flattening
public import PipelineCore

/// The rows that a run would make of an input's first records. Nothing is opened but the source, and nothing is written.
public struct RunPreview: Sendable {
    /// What sinks with the same transforms and the same columns would get.
    public struct Content: Sendable {
        /// The sinks' names, in the configuration's order.
        public var sinks: [String]
        public var tables: [TableDefinition]
        /// In the order of `tables`.
        public var rows: [RowBuffer]
        public var counts: RunCounts
    }

    /// One for each distinct content, in the order of the first sink that has it.
    public var contents: [Content]

    /// Reads and asks for the first records.
    ///
    /// - Parameter records: 1 or more.
    /// - Throws: `PipelineError` where the input can't be read, or the service doesn't answer or refuses to.
    public static func make(_ plan: RunPlan, records: Int) async throws -> RunPreview {
        let date = Timestamp.now.wholeSecond
        let runID = RunDecision.runID(plan.pipeline, date)
        let run = RowContext(runID: runID, logicalDate: date.text, shard: plan.shard.index)
        let scope = InputScope(shard: plan.shard, limit: records)
        switch plan.source {
        case .lookup(let reader, let lookup, let concurrency):
            let input = InputRun(pipeline: plan.pipeline, runID: runID, startedAt: date.text)
            try await reader.prepare(for: input)
            do {
                let source = try await LookupSource.open(
                    reader: reader, lookup: lookup, concurrency: min(concurrency, records), resume: SourceResume(),
                    scope: scope)
                let preview = try await gather(source, source.account, plan, run, records)
                await reader.release(input)
                return preview
            } catch {
                await reader.release(input)
                throw error
            }
        case .archive(let reader, let decoder, _):
            let source = try await ArchiveRecordSource.open(
                try await ListedArchive.open(reader, for: scope.shard), decoder: decoder, resume: SourceResume(),
                limit: scope.limit)
            return try await gather(source, source.account, plan, run, records)
        }
    }

    private static func gather(
        _ source: any RecordSource, _ account: InputAccount, _ plan: RunPlan, _ run: RowContext, _ records: Int
    ) async throws -> RunPreview {
        let planned = plan.rowSetOwners
        var assembler = BatchAssembler(
            run: run, contents: planned.map { ($0.transforms, $0.layout) }, batchSize: records, progress: .start,
            account: account, sourceState: { nil })
        var contents = planned.map { sink in
            Content(
                sinks: plan.sinks.filter { $0.rowSetIndex == sink.rowSetIndex }.map(\.sink.name),
                tables: sink.layout.tables, rows: sink.layout.tables.map { RowBuffer(columnCount: $0.columns.count) },
                counts: RunCounts())
        }
        func add(_ batch: AssembledBatch) {
            for (index, content) in batch.contents.enumerated() {
                contents[index].counts += content.counts
                for (table, rows) in content.tables.enumerated() {
                    contents[index].rows[table].append(contentsOf: rows)
                }
            }
        }
        do {
            while true {
                let events = try await source.next(limit: min(256, assembler.room))
                if events.isEmpty { break }
                for event in events { if let batch = try assembler.take(event) { add(batch) } }
            }
            if let batch = assembler.takeRest() { add(batch) }
        } catch {
            await source.close()
            throw error
        }
        await source.close()
        return RunPreview(contents: contents)
    }
}
