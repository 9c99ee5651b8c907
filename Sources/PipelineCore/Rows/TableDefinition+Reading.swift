extension TableDefinition {
    /// Whether a run's rows are told from those of other runs by a `run_id`, of their own or of their endpoint's. What a
    /// `replace` publishes is one run's.
    package func selectsByRun(in mode: WriteMode) -> Bool { role != .endpointParts || !mode.holdsOneRun }
}

extension ColumnType {
    /// The kind of a cell that holds a text which a store gives for such a column.
    package var textKind: Cell.Kind {
        switch self {
        case .json: .json
        case .time: .time
        case .text, .integer, .real: .text
        }
    }
}
