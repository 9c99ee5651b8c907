internal import CSQLite
internal import LocalFiles
internal import PipelineCore
internal import SQLStore

/// A result code of SQLite while a query is asked, and what it means to a run.
struct QueryFailure {
    /// An extended result code.
    var code: Int32
    /// SQLite's words.
    var message: String
    /// `errno` of the system call behind it; 0 where there was none.
    var systemError: Int32

    /// - Parameter tables: what the database holds, for a query that names something else.
    func pipelineError(path: String, tables: () -> String?) -> PipelineError {
        switch code & 0xff {
        case SQLITE_BUSY, SQLITE_LOCKED:
            return PipelineError(
                .temporary, "\(path) is in use: another process has locked it (\(detail))",
                hint: "Run again when it is done, or raise busy_timeout.")
        case SQLITE_NOTADB:
            return PipelineError(
                .noInput, "\(path) isn't an SQLite database", hint: "Name the database that holds the user IDs.")
        case SQLITE_CORRUPT:
            return PipelineError(
                .noInput, "\(path) is damaged: \(detail)",
                hint: "See what `sqlite3 FILE 'PRAGMA integrity_check'` says, and restore the file.")
        case SQLITE_READONLY where code >> 8 == Self.rollback:
            return PipelineError(
                .noInput, "\(path) can't be read before it is repaired: \(detail)",
                hint: "A process died while it wrote there. Open the file once with sqlite3, as one who may write it.")
        case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH, SQLITE_READONLY:
            return PipelineError(
                .noInput, "cannot open \(path): \(detail)",
                hint: "Check that the user who runs this may read the file. One with a write-ahead log must stand in a "
                    + "folder that may be written; `sqlite3 FILE 'PRAGMA journal_mode = DELETE'` does without.")
        case SQLITE_FULL: return outOfSpace(path)
        case SQLITE_IOERR:
            // Only what is sorted is written.
            if Self.writing.contains(code >> 8) { return outOfSpace(path) }
            return PipelineError(
                .noInput, "cannot read \(path): \(detail)", hint: "Check the disk and its mount, then run again.")
        case SQLITE_NOMEM:
            return PipelineError(.unavailable, "no memory is left for the query on \(path)")
        default:
            let held = tables().map { " \($0)" } ?? ""
            return PipelineError(
                .configuration, "\(path): the query can't be answered: \(detail)",
                hint: "Write one SELECT of the column that holds the user IDs.\(held)")
        }
    }

    /// SQLITE_READONLY_ROLLBACK, a macro that Swift doesn't import; so are the other two.
    private static let rollback: Int32 = 3
    /// SQLITE_IOERR_WRITE and SQLITE_IOERR_GETTEMPPATH.
    private static let writing: [Int32] = [3, 25]

    private func outOfSpace(_ path: String) -> PipelineError {
        PipelineError(
            .ioError, "the answer to the query on \(path) can't be sorted: \(detail)",
            hint: "Free space where temporary files go, or name another folder in SQLITE_TMPDIR.")
    }

    private var detail: String {
        var parts = [message.isEmpty ? String(cString: sqlite3_errstr(code)) : message]
        // Otherwise it may be an earlier call's.
        let isSystems = [SQLITE_CANTOPEN, SQLITE_IOERR, SQLITE_FULL].contains(code & 0xff)
        if isSystems, systemError != 0 { parts.append(SystemFailure.text(systemError)) }
        return parts.joined(separator: ", ") + (code == SQLITE_ERROR ? "" : ", code \(code)")
    }
}

/// The tables and views of a database, as a message names them.
struct TablesAtHand {
    /// `The database holds users (id, name), orders (id).` Nil where that can't be read.
    let text: String?

    private static let mostTables = 10
    private static let mostColumns = 20

    init(_ handle: OpaquePointer?) {
        let tables = Self.names(
            handle,
            """
            SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
            ORDER BY name LIMIT \(Self.mostTables + 1)
            """)
        guard let tables else {
            text = nil
            return
        }
        guard !tables.isEmpty else {
            text = "The database holds no tables."
            return
        }
        let described = tables.prefix(Self.mostTables).map { table in
            var columns =
                Self.names(
                    handle, "SELECT name FROM pragma_table_info(\(literal(table))) LIMIT \(Self.mostColumns + 1)") ?? []
            if columns.count > Self.mostColumns { columns[Self.mostColumns] = "…" }
            return PrintableText.of("\(table) (\(columns.joined(separator: ", ")))")
        }
        text = "The database holds \(described.joined(separator: ", "))\(tables.count > Self.mostTables ? ", …" : ".")"
    }

    private static func names(_ handle: OpaquePointer?, _ sql: String) -> [String]? {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK else { return nil }
        defer { sqlite3_finalize(statement) }
        var names: [String] = []
        while sqlite3_step(statement) == SQLITE_ROW {
            if let name = sqlite3_column_text(statement, 0) { names.append(String(cString: name)) }
        }
        return names
    }
}
