internal import PipelineCore
internal import SQLStore

/// The rows of a query over one table's columns, as a cursor of the transaction gives them: several can be read at the same
/// time, as COPY can't.
struct CursorRows: RowCursor {
    private let connection: PostgresConnection
    private let name: String
    private let table: TableDefinition
    /// How many rows are asked for next: about as many as fill a buffer.
    private var count = 64
    private var isEnded = false
    private var json: [UInt8] = []

    /// - Parameters:
    ///   - name: the cursor's, unique in the transaction.
    ///   - sql: gives the table's columns in their order, as texts.
    init(_ connection: PostgresConnection, named name: String, _ sql: String, of table: TableDefinition) throws {
        self.connection = connection
        self.name = quoted(name)
        self.table = table
        try connection.execute("DECLARE \(self.name) NO SCROLL CURSOR FOR \(sql)")
    }

    mutating func nextRows() throws -> RowBuffer? {
        guard !isEnded else { return nil }
        let result = try connection.execute("FETCH FORWARD \(count) FROM \(name)")
        var builder = RowBuilder(columnCount: table.columns.count)
        for row in 0..<result.rowCount {
            for (index, column) in table.columns.enumerated() {
                builder.append(cell(result, row, index, column.type, &builder))
            }
        }
        if result.rowCount < count {
            isEnded = true
            try connection.execute("CLOSE \(name)")
        } else {
            count = max(16, min(1024, count * (1 << 20) / max(1, builder.memory)))
        }
        return builder.rowCount == 0 ? nil : builder.finish()
    }

    private mutating func cell(
        _ result: PostgresResult, _ row: Int, _ column: Int, _ type: ColumnType, _ builder: inout RowBuilder
    ) -> Cell {
        if result.isNull(row, column) { return .null }
        let value = result.bytes(row, column)
        guard type == .json else { return CopiedRow.cell(value, type, &builder) }
        json.removeAll(keepingCapacity: true)
        CompactJSON.append(value, to: &json)
        return json.withUnsafeBytes { builder.store(.json, $0) }
    }
}
