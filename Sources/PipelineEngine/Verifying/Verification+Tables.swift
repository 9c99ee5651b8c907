internal import PipelineCore

/// One table, in all sinks.
extension Verification {
    /// - Parameter compared: The sinks that are compared; one that can't be read isn't any more.
    func verify(
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
                    TableComparison.Side(
                        reader: store.reader, isKeyed: store.stored.isKeyed, table: table, tables: store.tables,
                        comparing: columns ?? table.contentColumns)
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
                guard let side else { continue }
                group.addTask {
                    do { return (index, try await side.digested(runID), nil) } catch let error as PipelineError {
                        return (index, side, error)
                    }
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
        return first.contentColumns.filter { name in tables.allSatisfy { $0?.index(of: name) != nil } }
    }

}

extension TableDefinition {
    /// The columns that belong to the content: not the run's ID where only `append` has it, nor how a failure was met.
    var contentColumns: [String] {
        let left: [String] =
            switch role {
            case .endpointParts: ["run_id"]
            case .failures: ["message", "request_id", "attempts"]
            case .users, .endpoints, .ledger: []
            }
        return columns.map(\.name).filter { !left.contains($0) }
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
