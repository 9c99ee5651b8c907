internal import CSQLite
package import PipelineCore
internal import SQLStore

/// Looks for the column of an SQLite database that holds user IDs. The file is only read.
package enum SQLiteSurvey {
    /// More rows than this aren't counted.
    private static let mostCounted = 1_000_000

    /// Whether a file is an SQLite database, by its first bytes.
    package static func isDatabase(_ head: [UInt8]) -> Bool { head.starts(with: "SQLite format 3\0".utf8) }

    /// - Throws: `PipelineError`, as the reader does; `CancellationError`.
    package static func look(_ path: PathOption, _ choice: DatabaseChoice) async throws -> DatabaseSurvey {
        try await Surveyor().look(path, choice)
    }

    private actor Surveyor {
        private let executor = BlockingExecutor(label: "survey.sqlite")
        nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

        func look(_ path: PathOption, _ choice: DatabaseChoice) throws -> DatabaseSurvey {
            let connection = try QueryConnection(path, busyTimeout: .seconds(5))
            defer { connection.close() }
            return try SQLiteSurvey.look(connection, path, choice)
        }
    }

    private static func look(
        _ connection: QueryConnection, _ path: PathOption, _ choice: DatabaseChoice
    ) throws -> DatabaseSurvey {
        let names = try connection.texts(
            """
            SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
                AND name NOT LIKE 'sluice\\_%' ESCAPE '\\' ORDER BY name
            """
        ).compactMap { $0 }
        // A view of something that is gone has no columns.
        let tables = try names.map { name in
            var columns: [String?] = []
            do {
                columns = try connection.texts("SELECT name FROM pragma_table_info(\(literal(name))) ORDER BY cid")
            } catch let error as PipelineError where error.kind == .configuration {}
            return (name: name, columns: columns.compactMap { $0 })
        }
        let isStore = try !connection.texts("SELECT 1 FROM sqlite_schema WHERE name = 'sluice_runs'").isEmpty
        if let query = choice.query {
            let sample = try connection.sample(
                """
                WITH "sluice query"(id) AS (
                \(try connection.check(query))
                )
                SELECT CAST(id AS TEXT) FROM "sluice query"
                """)
            let answer = TableSurvey(
                table: "the query's answer", column: "", query: query, rows: nil, sample: sample, points: 0)
            return DatabaseSurvey(place: path.written, tables: tables, isStore: isStore, candidates: [answer])
        }
        var columns = tables.flatMap { table in
            let isOwn = isStore && DatabaseChoice.isOwn(columns: table.columns)
            return table.columns.filter { choice.admits($0, of: table.name, isOwn: isOwn) }.map {
                (table: table.name, column: $0)
            }
        }
        columns.sort { UserIDColumn.points(for: [$0.column]) > UserIDColumn.points(for: [$1.column]) }
        return DatabaseSurvey(
            place: path.written, tables: tables, isStore: isStore,
            candidates: try columns.prefix(DatabaseSurvey.mostCandidates).map {
                try survey($0.table, $0.column, connection)
            })
    }

    private static func survey(
        _ table: String, _ column: String, _ connection: QueryConnection
    ) throws -> TableSurvey {
        let (name, from) = (written(column), written(table))
        let sample = try connection.sample("SELECT CAST(\(quoted(column)) AS TEXT) FROM \(quoted(table))")
        // Even where the sample has no NULL: one of them would be a failure.
        let query = "SELECT \(name) FROM \(from) WHERE \(name) IS NOT NULL"
        let isKey = try !connection.texts(
            """
            SELECT 1 FROM pragma_table_info(\(literal(table))) WHERE name = \(literal(column)) AND pk = 1
                AND (SELECT count(*) FROM pragma_table_info(\(literal(table))) WHERE pk > 0) = 1
            UNION ALL
            SELECT 1 FROM pragma_index_list(\(literal(table))) AS i WHERE i."unique" AND NOT i.partial
                AND (SELECT group_concat(name) FROM pragma_index_info(i.name)) = \(literal(column))
            """
        ).isEmpty
        return TableSurvey(
            table: table, column: column, query: query, rows: try count(table, connection), sample: sample,
            points: UserIDColumn.points(for: column, in: table, sample, isKey: isKey && sample.empty == 0))
    }

    private static func count(_ table: String, _ connection: QueryConnection) throws -> InputCount? {
        var text: String?
        try connection.quickly {
            text =
                try connection.texts(
                    "SELECT count(*) FROM (SELECT 1 FROM \(quoted(table)) LIMIT \(mostCounted + 1))"
                ).first ?? nil
        }
        guard let rows = text.flatMap({ Int($0) }) else { return nil }
        return InputCount(min(rows, mostCounted), isExact: rows <= mostCounted)
    }

    /// A name as a person writes it: in quotes where it has to be.
    private static func written(_ name: String) -> String {
        let isWord = name.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF)
        }
        let startsWithDigit = name.utf8.first.map { (0x30...0x39).contains($0) } ?? true
        let isKeyword = sqlite3_keyword_check(name, Int32(name.utf8.count)) != 0
        return isWord && !startsWithDigit && !isKeyword ? name : quoted(name)
    }
}

extension QueryConnection {
    /// The first column of all rows.
    fileprivate func texts(_ sql: String) throws -> [String?] {
        var texts: [String?] = []
        try forEachRow(of: sql) { text in texts.append(text.map { String(decoding: $0, as: UTF8.self) }) }
        return texts
    }

    /// What the first rows of a query of one column look like; of a slow one those that came in time.
    fileprivate func sample(_ sql: String) throws -> ColumnSample {
        var sample = ColumnSample()
        try quickly {
            try forEachRow(of: sql + " LIMIT \(DatabaseSurvey.mostRows)") { value in
                sample.take(value ?? UnsafeRawBufferPointer(start: nil, count: 0))
            }
        }
        return sample
    }

    /// Gives up, and says nothing, after a few seconds: a view may take as long as it likes.
    fileprivate func quickly(_ body: () throws -> Void) throws {
        let end = ContinuousClock.now + .seconds(3)
        deadline = end
        defer { deadline = nil }
        do { try body() } catch {
            try Task.checkCancellation()
            guard ContinuousClock.now > end else { throw error }
        }
    }

    private func forEachRow(of sql: String, _ body: (UnsafeRawBufferPointer?) throws -> Void) throws {
        let statement = try prepare(sql).statement
        defer { sqlite3_finalize(statement) }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: break
            case SQLITE_DONE: return
            case let code: throw failure(code)
            }
            guard sqlite3_column_type(statement, 0) != SQLITE_NULL else {
                try body(nil)
                continue
            }
            let text = sqlite3_column_text(statement, 0)
            try body(UnsafeRawBufferPointer(start: text, count: Int(sqlite3_column_bytes(statement, 0))))
        }
    }
}
