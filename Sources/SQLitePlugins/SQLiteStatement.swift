internal import CSQLite
internal import PipelineCore
internal import SQLStore

/// A compiled statement. Parameters count from 1 and columns from 0, as in SQLite.
final class SQLiteStatement {
    private var handle: OpaquePointer?
    /// The connection outlives its statements: it finalizes them when it is closed.
    private unowned let connection: SQLiteConnection

    init(_ handle: OpaquePointer, of connection: SQLiteConnection) {
        self.handle = handle
        self.connection = connection
    }

    deinit { finalize() }

    func finalize() {
        sqlite3_finalize(handle)
        handle = nil
    }

    /// Makes the statement ready for the next execution; parameters keep their values.
    func reset() { sqlite3_reset(handle) }

    /// Lets go of bound bytes that the caller is about to free.
    func clearBindings() { sqlite3_clear_bindings(handle) }

    /// Goes on to the next row; false at the end.
    func step() throws -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            let error = connection.error(code)
            sqlite3_reset(handle)
            throw error
        }
    }

    /// Executes a statement that gives no rows, and makes it ready for the next execution.
    @inline(__always)
    func run() throws {
        let code = sqlite3_step(handle)
        guard code == SQLITE_DONE || code == SQLITE_ROW else {
            let error = connection.error(code)
            sqlite3_reset(handle)
            throw error
        }
        sqlite3_reset(handle)
    }

    // MARK: Parameters

    func bind(_ index: Int, _ text: String?) throws {
        guard let text else { return try check(sqlite3_bind_null(handle, Int32(index))) }
        var copy = text
        let code = copy.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                sqlite3_bind_text64(
                    handle, Int32(index), characters.baseAddress ?? Self.emptyText, UInt64(characters.count),
                    sluice_sqlite_transient(), UInt8(SQLITE_UTF8))
            }
        }
        try check(code)
    }

    func bind(_ index: Int, _ number: Int) throws {
        try check(sqlite3_bind_int64(handle, Int32(index), Int64(number)))
    }

    /// Binds UTF-8 without copying it: it must stay in place until the statement was run.
    @inline(__always)
    func bindInPlace(_ index: Int, _ bytes: UnsafeRawBufferPointer) throws {
        let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self) ?? Self.emptyText
        try check(
            sqlite3_bind_text64(
                handle, Int32(index), start, UInt64(bytes.count), sluice_sqlite_static(), UInt8(SQLITE_UTF8)))
    }

    /// Binds a cell of a row buffer; its bytes must stay in place until the statement was run.
    @inline(__always)
    func bindInPlace(_ index: Int, _ cell: Cell, _ arena: UnsafeRawBufferPointer) throws {
        switch cell.kind {
        case .text, .json, .time: try bindInPlace(index, arena.bytes(of: cell))
        case .null: try check(sqlite3_bind_null(handle, Int32(index)))
        case .integer: try check(sqlite3_bind_int64(handle, Int32(index), cell.integer))
        case .real: try check(sqlite3_bind_double(handle, Int32(index), cell.real))
        }
    }

    @inline(__always)
    private func check(_ code: Int32) throws {
        if code != SQLITE_OK { throw connection.error(code) }
    }

    // A null pointer would bind NULL, not empty text.
    private nonisolated(unsafe) static let emptyText: UnsafePointer<CChar> = {
        let text = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
        text.initialize(to: 0)
        return UnsafePointer(text)
    }()

    // MARK: Columns of the row at hand

    var columnCount: Int { Int(sqlite3_column_count(handle)) }

    func isNull(_ column: Int) -> Bool { sqlite3_column_type(handle, Int32(column)) == SQLITE_NULL }

    /// `SQLITE_INTEGER`, `SQLITE_FLOAT`, `SQLITE_TEXT`, `SQLITE_BLOB` or `SQLITE_NULL`: of this value, whatever the column's is.
    func type(_ column: Int) -> Int32 { sqlite3_column_type(handle, Int32(column)) }

    func double(_ column: Int) -> Double { sqlite3_column_double(handle, Int32(column)) }

    func integer(_ column: Int) -> Int { Int(sqlite3_column_int64(handle, Int32(column))) }

    func text(_ column: Int) -> String? {
        isNull(column) ? nil : String(decoding: bytes(column), as: UTF8.self)
    }

    /// The value's UTF-8, valid until the statement is stepped or reset.
    func bytes(_ column: Int) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_text(handle, Int32(column))
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, Int32(column))))
    }

    /// The value as it is to be compared with a batch's, valid until the statement is stepped or reset; nil for bytes that
    /// are no text.
    func value(_ column: Int, _ type: ColumnType) -> StoredValue? {
        switch sqlite3_column_type(handle, Int32(column)) {
        case SQLITE_NULL: .null
        case SQLITE_INTEGER: .integer(sqlite3_column_int64(handle, Int32(column)))
        case SQLITE_FLOAT:
            // On disk it is the integer: SQLite has no negative zero.
            double(column) == 0 ? .integer(0) : .real(double(column))
        case SQLITE_TEXT: .bytes(type.textKind, bytes(column))
        default: nil
        }
    }
}
