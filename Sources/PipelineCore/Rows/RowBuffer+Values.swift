extension RowBuffer {
    /// Appends one value to the row at hand, storing its bytes.
    public mutating func append(_ value: RowView.Value) {
        switch value {
        case .null: append(Cell.null)
        case .integer(let number): append(Cell.integer(number))
        case .number(let number): append(Cell.real(number))
        case .text(let text): append(store(.text, text))
        case .json(let text): append(store(.json, text))
        case .time(let text): append(store(.time, text))
        }
    }
}
