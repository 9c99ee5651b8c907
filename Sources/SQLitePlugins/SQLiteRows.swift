internal import CSQLite
internal import PipelineCore
internal import SQLStore

/// The rows of a query over one table's columns, a buffer at a time.
struct SQLiteRows: RowCursor {
    private let statement: SQLiteStatement
    private let table: TableDefinition
    private var isEnded = false

    /// - Parameter statement: gives the table's columns in their order.
    init(_ statement: SQLiteStatement, of table: TableDefinition) {
        self.statement = statement
        self.table = table
    }

    mutating func nextRows() throws -> RowBuffer? {
        var builder = RowBuilder(columnCount: table.columns.count)
        while !isEnded, builder.rowCount < 1024, builder.memory < 1 << 20 {
            guard try statement.step() else {
                statement.reset()
                isEnded = true
                break
            }
            for (index, column) in table.columns.enumerated() {
                builder.append(Self.cell(statement, index, column.type, &builder))
            }
        }
        return builder.rowCount == 0 ? nil : builder.finish()
    }

    private static func cell(
        _ row: SQLiteStatement, _ index: Int, _ type: ColumnType, _ builder: inout RowBuilder
    ) -> Cell {
        switch row.type(index) {
        case SQLITE_NULL: return .null
        case SQLITE_INTEGER: return .integer(Int64(row.integer(index)))
        case SQLITE_FLOAT: return Cell(kind: .real, bits: row.double(index).bitPattern, length: 0)
        default: return builder.store(type.textKind, row.bytes(index))
        }
    }
}
