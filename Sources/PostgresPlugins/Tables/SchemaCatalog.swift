internal import PipelineCore

/// What a schema holds, as the server's catalog says.
struct SchemaCatalog {
    struct Relation {
        /// As `pg_class.relkind`: r table, p partitioned table, v view …
        var kind: String
        var columns: [ColumnOfTable] = []
        /// The primary key's columns, in order.
        var key: [String] = []
        /// Whether the key is checked at the end of a statement or transaction: no row can be replaced by it.
        var isKeyDeferrable = false
        /// The valid indexes without conditions and expressions.
        var indexes: [Index] = []
        /// Whether this role may make and drop indexes here.
        var isOwn = false
        /// What of the table PostgreSQL empties after a crash: the table itself, or partitions of it.
        var unlogged: [String] = []
    }

    struct Index {
        var name: String
        /// In order.
        var columns: [String] = []
        /// Whether nothing but look-ups depends on it, and `CREATE INDEX` would make it again with no more than its columns.
        var isPlain: Bool
    }

    struct ColumnOfTable {
        var name: String
        /// As the server prints it: `timestamp with time zone`.
        var type: String
        var isRequired: Bool
        /// Whether a row may come without it: it has a default, or the server fills it.
        var isFilledByServer: Bool
        /// False where texts with different bytes may be equal.
        var comparesBytes: Bool
    }

    let schemaExists: Bool
    private(set) var relations: [String: Relation] = [:]

    /// The names of everything in the schema that may have rows.
    var names: Set<String> { Set(relations.keys) }

    /// Lets relations count as absent: they are to be made anew.
    mutating func forget(_ names: [String]) { for name in names { relations[name] = nil } }

    init(schema: String, in connection: PostgresConnection) throws {
        schemaExists =
            try connection.query("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", [schema]).rowCount > 0
        guard schemaExists else { return }
        let columns = try connection.query(
            """
            SELECT c.relname, c.relkind, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
                a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '', coalesce(l.collisdeterministic, true),
                pg_catalog.pg_has_role(c.relowner, 'USAGE') AND pg_catalog.has_schema_privilege(n.oid, 'CREATE')
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = a.attcollation
            WHERE n.nspname = $1 AND c.relkind NOT IN ('i', 'I', 't')
            ORDER BY c.relname, a.attnum
            """, [schema])
        for row in columns.rows {
            guard let relation = row[0], let kind = row[1] else { continue }
            relations[relation, default: Relation(kind: kind)].kind = kind
            relations[relation]?.isOwn = row[7] == "t"
            guard let name = row[2] else { continue }
            relations[relation]?.columns.append(
                ColumnOfTable(
                    name: name, type: row[3] ?? "", isRequired: row[4] == "t", isFilledByServer: row[5] == "t",
                    comparesBytes: row[6] == "t"))
        }
        let indexes = try connection.query(
            """
            SELECT c.relname, i.indexrelid, i.indisprimary, a.attname, i.indimmediate, x.relname,
                NOT i.indisunique AND i.indoption::text = '0 0' AND m.amname = 'btree' AND i.indnatts = i.indnkeyatts
                    AND NOT i.indisclustered AND NOT i.indisreplident AND c.relkind = 'r'
            FROM pg_catalog.pg_index AS i
            JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
            JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
            JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum
            WHERE n.nspname = $1 AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
            ORDER BY i.indexrelid, k.place
            """, [schema])
        var last: String?
        for row in indexes.rows {
            guard let relation = row[0], let column = row[3] else { continue }
            if row[1] != last {
                relations[relation]?.indexes.append(Index(name: row[5] ?? "", isPlain: row[6] == "t"))
            }
            last = row[1]
            let place = (relations[relation]?.indexes.count ?? 0) - 1
            if place >= 0 { relations[relation]?.indexes[place].columns.append(column) }
            if row[2] == "t" {
                relations[relation]?.key.append(column)
                relations[relation]?.isKeyDeferrable = row[4] != "t"
            }
        }
        for (table, names) in try Self.unlogged(schema: schema, in: connection) {
            relations[table]?.unlogged = names
        }
    }
}
