public import PipelineCore

extension TableFormat {
    /// By the columns' names; what the table lacks is nil or 0.
    public func failure(_ record: [UInt8]) throws -> FailedRecord {
        var builder = RowBuilder(columnCount: table.columns.count)
        try decode(record, to: &builder)
        var result: FailedRecord?
        builder.finish().forEachRow { row in
            func text(_ column: String) -> String? {
                guard case .text(let text)? = table.index(of: column).map({ row[$0] }) else { return nil }
                return text
            }
            func number(_ column: String) -> Int? {
                guard case .integer(let number)? = table.index(of: column).map({ row[$0] }) else { return nil }
                return Int(exactly: number)
            }
            guard let ordinal = number("ordinal") else { return }
            result = FailedRecord(
                ordinal: ordinal, userID: text("user_id"), line: number("line") ?? 0, code: text("code") ?? "",
                status: number("status"), hasRaw: text("raw") != nil)
        }
        guard let result else { throw RecordFault("no row of failures") }
        return result
    }
}
