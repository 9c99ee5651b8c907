internal import CPostgres

/// The answer to one statement.
final class PostgresResult {
    private let handle: OpaquePointer?

    /// Takes the result over.
    init(_ handle: OpaquePointer?) { self.handle = handle }

    deinit { PQclear(handle) }

    var status: ExecStatusType { PQresultStatus(handle) }

    var isFailure: Bool {
        switch status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: false
        default: true
        }
    }

    /// The server waits for rows, or sends them.
    var isCopying: Bool {
        switch status {
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH: true
        default: false
        }
    }

    var sqlState: String? { field(UInt8(ascii: "C")) }
    var primaryMessage: String? { field(UInt8(ascii: "M")) }

    private func field(_ code: UInt8) -> String? {
        PQresultErrorField(handle, Int32(code)).map { String(cString: $0) }
    }

    /// `COMMIT`, `INSERT 0 3`
    var tag: String { PQcmdStatus(handle).map { String(cString: $0) } ?? "" }
    /// Rows that a statement inserted, changed, deleted or copied.
    var affectedRows: Int { PQcmdTuples(handle).flatMap { Int(String(cString: $0)) } ?? 0 }

    var columnNames: [String] {
        (0..<PQnfields(handle)).map { PQfname(handle, $0).map { String(cString: $0) } ?? "" }
    }

    var rowCount: Int { Int(PQntuples(handle)) }

    func text(_ row: Int, _ column: Int) -> String? {
        guard !isNull(row, column) else { return nil }
        return PQgetvalue(handle, Int32(row), Int32(column)).map { String(cString: $0) }
    }

    func isNull(_ row: Int, _ column: Int) -> Bool {
        row >= rowCount || PQgetisnull(handle, Int32(row), Int32(column)) != 0
    }

    /// A value's bytes, valid for as long as the result; none for NULL.
    func bytes(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer {
        guard row < rowCount else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(
            start: PQgetvalue(handle, Int32(row), Int32(column)),
            count: Int(PQgetlength(handle, Int32(row), Int32(column))))
    }

    /// 0 where there is none.
    func integer(_ row: Int, _ column: Int) -> Int { text(row, column).flatMap { Int($0) } ?? 0 }
    func boolean(_ row: Int, _ column: Int) -> Bool { text(row, column) == "t" }

    /// All rows, as text.
    var rows: [[String?]] {
        (0..<rowCount).map { row in (0..<Int(PQnfields(handle))).map { text(row, $0) } }
    }
}
