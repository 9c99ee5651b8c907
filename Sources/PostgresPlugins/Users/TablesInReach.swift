internal import PipelineCore

/// The tables and views on the search path, as a message names them.
struct TablesInReach {
    /// `On the search path are users (id, name), orders (…).`
    let text: String

    private static let mostTables = 10
    private static let mostColumns = 20

    /// Ends the open transaction. Nil where the catalogue can't be read.
    init?(_ connection: PostgresConnection) {
        connection.rollBack()
        let rows: [[String?]]
        do {
            rows = try connection.query(
                """
                SELECT c.relname, (
                    SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) || CASE WHEN max(a.position) > \(Self.mostColumns) THEN ', …' ELSE '' END
                    FROM (SELECT attname, attnum, row_number() OVER (ORDER BY attnum) AS position
                        FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS a
                    WHERE a.position <= \(Self.mostColumns))
                FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND pg_table_is_visible(c.oid)
                    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
                ORDER BY 1 LIMIT \(Self.mostTables + 1)
                """
            ).rows
        } catch { return nil }
        guard !rows.isEmpty else {
            text = "There are no tables on the search path."
            return
        }
        let described = rows.prefix(Self.mostTables).map { row in
            PrintableText.of("\((row.first ?? nil) ?? "") (\((row.last ?? nil) ?? ""))")
        }
        text =
            "On the search path are \(described.joined(separator: ", "))\(rows.count > Self.mostTables ? ", …" : ".")"
    }
}
