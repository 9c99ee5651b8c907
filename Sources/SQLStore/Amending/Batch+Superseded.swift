public import PipelineCore

extension Batch {
    /// An amending batch without what the run has written since: in their turn, its rows would have been replaced by those.
    ///
    /// - Parameters:
    ///   - users: rows of the users table whose user the run has stored with a higher ordinal. Their records go as a whole.
    ///   - endpoints: rows of the endpoints table whose key the run has stored with a higher ordinal.
    /// - Returns: what is left, and how many endpoints aren't.
    /// - Throws: `PipelineError` of kind `.software` where nothing says which parts are whose.
    public func droppingSuperseded(
        users: Set<Int>, endpoints: Set<Int>, _ tables: [TableDefinition]
    ) throws -> (batch: Batch, superseded: Int) {
        if users.isEmpty, endpoints.isEmpty { return (self, 0) }
        var rest = self
        var dropped: Set<Int64> = []
        if let place = tables.firstIndex(where: { $0.role == .users }) {
            let rows = self.tables[place]
            dropped = Set(users.compactMap { rows.ordinal(ofRow: $0, tables[place]) })
            rest.tables[place] = rows.rows((0..<rows.rowCount).map { !users.contains($0) })
        }
        guard let place = tables.firstIndex(where: { $0.role == .endpoints }) else { return (rest, 0) }
        let rows = self.tables[place]
        let kept = (0..<rows.rowCount).map { row in
            !endpoints.contains(row) && !(rows.ordinal(ofRow: row, tables[place]).map(dropped.contains) ?? false)
        }
        if kept.allSatisfy(\.self) { return (rest, 0) }
        rest.tables[place] = rows.rows(kept)
        for (place, table) in tables.enumerated() where table.role == .endpointParts {
            guard self.tables[place].groupEnds.count == kept.count else {
                throw PipelineError(.software, "the rows of '\(table.name)' don't say which endpoint's they are")
            }
            rest.tables[place] = self.tables[place].groups(kept)
        }
        return (rest, kept.count { !$0 })
    }
}

extension RowBuffer {
    fileprivate func ordinal(ofRow row: Int, _ table: TableDefinition) -> Int64? {
        table.index(of: "ordinal").map { cells[row * columnCount + $0].integer }
    }
}
