internal import LocalFiles
package import PipelineCore

/// Looks for the column of a PostgreSQL database that holds user IDs. Everything is read in transactions that only read.
package enum PostgresSurvey {
    /// - Parameters:
    ///   - url: a libpq URI, or its keywords in one text.
    ///   - choice: a table's name may have its schema in front.
    /// - Throws: `PipelineError`: `.usage` for a URL that can't be read, else as the reader does; `CancellationError`.
    package static func look(_ url: Secret, _ choice: DatabaseChoice) async throws -> DatabaseSurvey {
        let parameters: ConnectionParameters
        do { parameters = try ConnectionParameters(url: url, keywords: [], password: nil) } catch let malformed
            as ConnectionParameters.Malformed
        {
            throw PipelineError(.usage, "the URL can't be read: \(malformed.reason)")
        }
        return try await Surveyor().look(UserQuery(parameters: parameters, text: "", firstContact: .zero), choice)
    }

    /// Whether a URL holds a password, which no file should.
    package static func holdsPassword(_ url: String) -> Bool { ConnectionParameters.holdsPassword(url) }

    private actor Surveyor {
        private let executor = BlockingExecutor(label: "survey.postgres")
        nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

        func look(_ query: UserQuery, _ choice: DatabaseChoice) throws -> DatabaseSurvey {
            try query.withConnection { connection in
                try CatalogSurvey(connection: connection, place: query.parameters.place, choice: choice).look()
            }
        }
    }
}

/// One look at a database's catalogue and its columns.
private struct CatalogSurvey {
    let connection: PostgresConnection
    let place: String
    let choice: DatabaseChoice

    private struct Column {
        var table: String
        /// With its schema, also where the search path leads there.
        var fullTable: String
        var name: String
        /// As SQL spells them.
        var from: String
        var select: String
        /// The server's estimate; nil for a view, and where it has none.
        var rows: Int?
        var isKey: Bool
        /// A text, a whole number or a UUID.
        var mayHoldIDs: Bool
        /// Sluice's ledgers stand beside the table.
        var isInStore: Bool
    }

    /// The tables that this role may read. Sluice's own ledgers aren't among them.
    private static let catalogue = """
        SELECT CASE WHEN pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END,
            n.nspname || '.' || c.relname, a.attname,
            CASE WHEN pg_table_is_visible(c.oid) THEN quote_ident(c.relname)
                ELSE quote_ident(n.nspname) || '.' || quote_ident(c.relname) END,
            quote_ident(a.attname),
            CASE WHEN c.relkind IN ('r', 'p', 'm') AND c.reltuples >= 0 THEN c.reltuples::bigint END,
            EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
                AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum),
            t.typcategory IN ('S', 'E') OR t.typname IN ('uuid', 'int2', 'int4', 'int8', 'numeric'),
            EXISTS (SELECT FROM pg_class AS l WHERE l.relnamespace = n.oid AND l.relname = 'sluice_runs')
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            JOIN pg_type AS t ON t.oid = a.atttypid
        WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND NOT c.relispartition
            AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
            AND c.relname NOT LIKE 'sluice\\_%' AND has_schema_privilege(n.oid, 'USAGE')
            AND (has_table_privilege(c.oid, 'SELECT') OR has_column_privilege(c.oid, a.attnum, 'SELECT'))
        ORDER BY NOT pg_table_is_visible(c.oid), 2, a.attnum
        """

    func look() throws -> DatabaseSurvey {
        let columns = try connection.query(Self.catalogue).rows.map(Self.column)
        var tables: [(name: String, columns: [String])] = []
        for column in columns {
            if tables.last?.name != column.table { tables.append((column.table, [])) }
            tables[tables.count - 1].columns.append(column.name)
        }
        if let query = choice.query {
            let text = QueryText(query).withoutSemicolons
            let sample = try sample("SELECT (q.id)::text FROM (\n\(text)\n) AS q(id)", isChosen: true)
            let answer = TableSurvey(
                table: "the query's answer", column: "", query: query, rows: nil, sample: sample, points: 0)
            return DatabaseSurvey(
                place: place, tables: tables, isStore: columns.contains(where: \.isInStore), candidates: [answer])
        }
        let own = Set(
            tables.filter { DatabaseChoice.isOwn(columns: $0.columns) }.map(\.name)
        ).intersection(columns.filter(\.isInStore).map(\.table))
        var admitted = columns.filter {
            choice.admits($0.name, of: $0.table, alias: $0.fullTable, isOwn: own.contains($0.table))
                && ($0.mayHoldIDs || choice.column != nil)
        }
        admitted.sort { UserIDColumn.points(for: [$0.name]) > UserIDColumn.points(for: [$1.name]) }
        return DatabaseSurvey(
            place: place, tables: tables, isStore: columns.contains(where: \.isInStore),
            candidates: try admitted.prefix(DatabaseSurvey.mostCandidates).map(survey))
    }

    private static func column(_ row: [String?]) -> Column {
        Column(
            table: row[0] ?? "", fullTable: row[1] ?? "", name: row[2] ?? "", from: row[3] ?? "", select: row[4] ?? "",
            rows: row[5].flatMap { Int($0) }, isKey: row[6] == "t", mayHoldIDs: row[7] == "t", isInStore: row[8] == "t")
    }

    private func survey(_ column: Column) throws -> TableSurvey {
        let sample = try sample("SELECT \(column.select)::text FROM \(column.from)", isChosen: false)
        // What was read whole is counted; elsewhere the server's estimate says it, where it has one.
        let isWhole = sample.records > 0 && sample.records < DatabaseSurvey.mostRows
        return TableSurvey(
            table: column.table, column: column.name,
            query: "SELECT \(column.select) FROM \(column.from) WHERE \(column.select) IS NOT NULL",
            rows: isWhole
                ? InputCount(sample.records, isExact: true)
                : column.rows.map { InputCount(max($0, sample.records), isExact: false) },
            sample: sample,
            points: UserIDColumn.points(
                for: column.name, in: column.table, sample, isKey: column.isKey && sample.empty == 0))
    }

    /// What the first rows look like. A column that can't be read in a few seconds, or at all, has none.
    private func sample(_ query: String, isChosen: Bool) throws -> ColumnSample {
        var sample = ColumnSample()
        do {
            try connection.execute(
                "SAVEPOINT a_column; SET LOCAL statement_timeout = '3s'; SET LOCAL lock_timeout = '1s'")
            if let text = choice.query {
                // Alone first: within another statement, what isn't one query of its own could pass for something else.
                let columns = try connection.columns(of: text)
                guard columns.count == 1 else {
                    throw PipelineError(
                        .usage, "the query gives \(columns.count) columns, not one",
                        hint: "Select only the column that holds the user IDs.")
                }
            }
            try connection.copyOut("COPY (\(query)\nLIMIT \(DatabaseSurvey.mostRows)) TO STDOUT") { value in
                sample.take(value ?? UnsafeRawBufferPointer(start: nil, count: 0))
            }
            try connection.execute("RELEASE SAVEPOINT a_column")
        } catch let failure as PostgresFailure {
            guard !isChosen, connection.isOpen else { throw failure }
            try connection.execute("ROLLBACK TO SAVEPOINT a_column")
        }
        return sample
    }
}
