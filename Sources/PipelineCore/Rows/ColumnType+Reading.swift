extension ColumnType {
    /// The kind of a cell that holds a text which a store gives for a column of this type.
    public var textKind: Cell.Kind {
        switch self {
        case .json: .json
        case .time: .time
        case .text, .integer, .real: .text
        }
    }
}
