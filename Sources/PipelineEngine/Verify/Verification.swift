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

    package init(plan: RunPlan, transformed: [Bool], limit: Int = 10, capacity: Int = 100_000) {
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

    // MARK: What can be compared

    private func exclusion(_ store: Store, alone: Bool) -> String? {
        if store.isTransformed { return "it has transforms of its own, so its rows are other ones" }
        return alone ? "there is no other sink to compare it with" : nil
    }

    private func neighbours(of store: Store) -> String? {
        guard store.sink.mode == .merge, !store.stored.neighbours.isEmpty else { return nil }
        let names = store.stored.neighbours.map { "'\($0)'" }.joined(separator: ", ")
        return
            "sink '\(store.sink.name)' shares its tables with pipeline \(names): rows that it has taken over are missing here"
    }

    /// The newest run that is complete in every sink, and whose rows all of them still have.
    private func commonRun(_ stores: [Store]) throws -> StoredRunGroup {
        for store in stores where !store.groups.contains(where: { $0.state == .complete }) {
            throw PipelineError(
                .noInput, "sink '\(store.sink.name)' has no complete run of pipeline '\(plan.pipeline)'",
                hint: "Run the pipeline to its end first; sluice status says how it stands.")
        }
        let complete = stores[0].groups.last { group in
            group.state == .complete
                && stores.allSatisfy { store in
                    store.groups.contains { $0.runID == group.runID && $0.state == .complete }
                }
        }
        guard let run = complete else {
            throw PipelineError(
                .noInput, "no run of pipeline '\(plan.pipeline)' is complete in every sink",
                hint: "Run the pipeline to its end first; sluice status says how it stands.")
        }
        for store in stores { try check(store, run) }
        return run
    }

    /// - Throws: `PipelineError` of kind `.temporary` where a sink has other rows by now than the run's.
    private func check(_ store: Store, _ run: StoredRunGroup) throws {
        let name = store.sink.name
        guard let place = store.groups.firstIndex(where: { $0.runID == run.runID }) else { return }
        guard store.groups[place].startedAt == run.startedAt else {
            throw PipelineError(
                .temporary, "run \(run.runID) was done again, but sink '\(name)' has another execution of it",
                hint: "Run the pipeline to its end, and verify again.")
        }
        // In `append` and in files each run's rows stand for themselves; a `replace` shows the last complete one.
        for later in store.groups[(place + 1)...] {
            let isInTheWay =
                switch store.sink.mode {
                case .append: false
                case .replace: store.stored.isKeyed && later.state == .complete
                case .merge: later.state == .complete || later.counts.records > 0
                }
            guard isInTheWay else { continue }
            throw PipelineError(
                .temporary,
                "sink '\(name)' has rows of run \(later.runID) (\(later.state.rawValue)) in place of those of \(run.runID), "
                    + "the last run that is complete in every sink",
                hint: "Run the pipeline to its end, and verify again.")
        }
    }

    // MARK: Tables

    /// - Parameter compared: The sinks that are compared; one that can't be read isn't any more.
    private func verify(
        table name: String, _ stores: [Store], _ compared: inout [Int], _ accounts: [StoreAccount],
        _ run: StoredRunGroup,
        _ report: inout VerificationReport
    ) async throws {
        let tables = stores.map { store in store.tables.first { $0.name == name } }
        let columns = comparedColumns(compared.map { tables[$0] })
        var sides: [TableComparison.Side?] = []
        for (store, table) in zip(stores, tables) {
            sides.append(
                table.map { table in
                    let form = CanonicalRow(table, comparing: columns ?? Self.columns(of: table))
                    return TableComparison.Side(
                        reader: store.reader, isKeyed: store.stored.isKeyed, table: table, tables: store.tables,
                        form: form, digest: TableDigest(form))
                })
        }
        for (index, error) in try await digest(&sides, run.runID) {
            // A file that is known to be another one may well be unreadable.
            guard !accounts[index].alterations.isEmpty else { throw error }
            report.sinks[index].faults.append("table '\(name)' can't be read: \(error.message)")
            sides[index] = nil
            compared.removeAll { $0 == index }
        }
        var verified = VerifiedTable(name: name, contents: [])
        for (index, side) in sides.enumerated() {
            guard let side else { continue }
            verified.contents.append((stores[index].sink.name, side.digest.rows, side.digest.text))
            let own = stores[index].groups.first { $0.runID == run.runID } ?? run
            if let fault = OwnAccount(store: stores[index], run: own, stored: accounts[index]).fault(side) {
                report.sinks[index].faults.append(fault)
            }
        }
        if let first = compared.first, let left = sides[first] {
            for other in compared.dropFirst() {
                guard let right = sides[other] else { continue }
                let comparison = TableComparison(
                    left: left, right: right, runID: run.runID, conflict: plan.source.conflict, limit: limit,
                    capacity: capacity)
                verified.comparisons.append(
                    VerifiedTable.Comparison(
                        stores[first].sink.name, stores[other].sink.name, try await comparison.find(), left.form))
            }
        }
        report.tables.append(verified)
    }

    /// Makes the digests of all sinks, at the same time.
    ///
    /// - Returns: What went wrong in which of them.
    private func digest(
        _ sides: inout [TableComparison.Side?], _ runID: String
    ) async throws -> [(Int, PipelineError)] {
        try await withThrowingTaskGroup(of: (Int, TableComparison.Side, PipelineError?).self) { group in
            for (index, side) in sides.enumerated() {
                guard var side else { continue }
                group.addTask {
                    do {
                        try await side.reader.forEachBuffer(of: side.table, runID) { side.digest.add($0) }
                        return (index, side, nil)
                    } catch let error as PipelineError { return (index, side, error) }
                }
            }
            var errors: [(Int, PipelineError)] = []
            for try await (index, side, error) in group {
                sides[index] = side
                if let error { errors.append((index, error)) }
            }
            return errors
        }
    }

    /// The columns that all have; nil for a table that isn't compared.
    private func comparedColumns(_ tables: [TableDefinition?]) -> [String]? {
        guard let first = tables.first, let first else { return nil }
        return Self.columns(of: first).filter { name in tables.allSatisfy { $0?.index(of: name) != nil } }
    }

    /// What belongs to the content: not the run's ID where only `append` has it, nor how a failure was met.
    private static func columns(of table: TableDefinition) -> [String] {
        let left: [String] =
            switch table.role {
            case .endpointParts: ["run_id"]
            case .failures: ["message", "request_id", "attempts"]
            case .users, .endpoints, .ledger: []
            }
        return table.columns.map(\.name).filter { !left.contains($0) }
    }
}

extension VerifiedTable.Comparison {
    init(_ left: String, _ right: String, _ finding: TableComparison.Finding, _ form: CanonicalRow) {
        self.left = left
        self.right = right
        isCut = finding.isCut
        undecided = finding.undecided
        differences = finding.differences.map { difference in
            let key = form.describe(difference.key).map {
                VerifiedTable.Difference.Member(name: $0.name, json: $0.value.json)
            }
            return switch difference.form {
            case .onlyLeft: VerifiedTable.Difference(key: key, onlyIn: left)
            case .onlyRight: VerifiedTable.Difference(key: key, onlyIn: right)
            case .columns(let names): VerifiedTable.Difference(key: key, columns: names)
            }
        }
    }
}

extension RunPlan {
    /// Compares what the sinks hold of the last complete run.
    ///
    /// - Parameter transformed: For each sink, whether it has transforms of its own.
    public func verification(transformed: [Bool]) async -> VerificationReport {
        await Verification(plan: self, transformed: transformed).perform()
    }
}
