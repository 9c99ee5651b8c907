internal import Flattening
internal import PipelineCore

/// Compares what the sinks of a pipeline hold of its last complete run.
package struct Verification: Sendable {
    let plan: RunPlan
    /// For each sink, whether it has transforms of its own.
    let transformed: [Bool]
    /// No more differing keys of a table are named.
    let limit: Int
    /// Rows of a table that are held of each store.
    let capacity: Int
    /// The sinks may have got the run from executions of their own, such as one that was killed and one that wasn't.
    let isOfAnyExecution: Bool

    package init(
        plan: RunPlan, transformed: [Bool], limit: Int = 10, capacity: Int = 100_000, isOfAnyExecution: Bool = false
    ) {
        self.isOfAnyExecution = isOfAnyExecution
        self.plan = plan
        self.transformed = transformed
        self.limit = limit
        self.capacity = capacity
    }

    /// One sink that is looked at.
    struct Store: Sendable {
        var sink: any Sink
        var tables: [TableDefinition]
        var isTransformed: Bool
        var reader: any SinkReader
        var stored: StoredRuns
        var groups: [StoredRunGroup]
    }

    package func perform() async -> VerificationReport {
        var report = VerificationReport(pipeline: plan.pipeline)
        report.sinks = plan.sinks.map {
            VerifiedSink(
                name: $0.sink.name, type: $0.sink.typeName, target: $0.sink.target, mode: $0.sink.mode)
        }
        var stores: [Store] = []
        do {
            for (index, planned) in plan.sinks.enumerated() {
                let reader = try await planned.sink.openForReading(
                    SinkReadingContext(pipeline: plan.pipeline, tables: planned.layout.tables))
                do {
                    let stored = try await reader.runs()
                    try await plan.checkKeptInput(of: StoredRunGroup.groups(of: stored.runs))
                    stores.append(
                        Store(
                            sink: planned.sink, tables: planned.layout.tables, isTransformed: transformed[index],
                            reader: reader, stored: stored, groups: StoredRunGroup.groups(of: stored.runs)))
                } catch {
                    await reader.close()
                    throw error
                }
            }
            try await verify(stores, &report)
        } catch { report.error = PipelineError(describing: error) }
        for store in stores { await store.reader.close() }
        return report
    }

    private func verify(_ stores: [Store], _ report: inout VerificationReport) async throws {
        let run = try commonRun(stores)
        report.runID = run.runID
        report.logicalDate = run.logicalDate
        let compared = stores.indices.filter { !stores[$0].isTransformed }
        for index in stores.indices {
            let own = stores[index].groups.first { $0.runID == run.runID }
            report.sinks[index].refused = own?.counts.refused ?? 0
            report.sinks[index].exclusion = exclusion(stores[index], alone: compared.count < 2)
        }
        for store in stores {
            if let clause = neighbours(of: store) { report.notes.append(clause) }
        }
        var accounts: [StoreAccount] = []
        for store in stores { accounts.append(try await store.reader.account(ofRun: run.runID)) }
        for index in stores.indices {
            report.sinks[index].faults += accounts[index].faults
            // Where the rows themselves are compared, it is they that count.
            if report.sinks[index].exclusion == nil {
                report.notes += accounts[index].alterations.map { "sink '\(stores[index].sink.name)': \($0)" }
            } else {
                report.sinks[index].faults += accounts[index].alterations
            }
        }
        var left = compared.count < 2 ? [] : compared
        for name in tableNames(stores) {
            try await verify(table: name, stores, &left, accounts, run, &report)
        }
    }

    /// The tables of all layouts, each once.
    private func tableNames(_ stores: [Store]) -> [String] {
        var names: [String] = []
        for table in stores.flatMap(\.tables) where !names.contains(table.name) { names.append(table.name) }
        return names
    }
}

extension RunPlan {
    /// Compares what the sinks hold of the last complete run.
    ///
    /// - Parameters:
    ///   - isOfAnyExecution: the sinks may have got the run from executions of their own.
    ///   - transformed: For each sink, whether it has transforms of its own.
    public func verification(transformed: [Bool], isOfAnyExecution: Bool = false) async -> VerificationReport {
        await Verification(plan: self, transformed: transformed, isOfAnyExecution: isOfAnyExecution).perform()
    }
}
