internal import PipelineCore
internal import SQLStore

/// The statements by which a published table comes to hold what its shadow holds, and no more is written than differs.
///
/// A row whose content is the same stays where it is; it only learns when it was seen. One that differs is deleted and
/// comes again, not updated: so values of a unique index may change places.
struct TableReplacement {
    let definition: TableDefinition
    /// Qualified and quoted.
    let published: String
    let shadow: String
    /// The published table's columns that the run doesn't know and nothing fills: null in every row that it writes.
    private let unfilled: [String]
    /// Whether values that say when a row was seen are unique, so that two rows can't change theirs by an update.
    private let isSeenUnique: Bool

    /// - Throws: `PipelineError` where the server can't tell what the published table is like.
    init(
        _ definition: TableDefinition, published: String, shadow: String, _ connection: PostgresConnection
    ) throws {
        self.definition = definition
        self.published = published
        self.shadow = shadow
        let columns = try connection.query(
            """
            SELECT a.attname, a.atthasdef OR a.attidentity <> '',
                EXISTS (SELECT FROM pg_catalog.pg_index AS i WHERE i.indrelid = a.attrelid
                    AND (i.indisunique OR i.indisexclusion)
                    AND (a.attnum = ANY (i.indkey::int2[]) OR EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid
                            AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum)))
            FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
            """, [published]
        ).rows.map { (name: $0[0] ?? "", isFilled: $0[1] == "t", isUnique: $0[2] == "t") }
        unfilled = columns.filter { !$0.isFilled && definition.index(of: $0.name) == nil }.map(\.name)
        let unique = Set(columns.filter(\.isUnique).map(\.name))
        isSeenUnique = EndpointContent(definition).seen.contains { unique.contains($0.name) }
    }

    /// Takes away what the shadow lacks or has otherwise.
    var deletion: String {
        let same =
            isSameKey + content.map { "\(exact("t", $0)) IS NOT DISTINCT FROM \(exact("s", $0))" }
            + unfilled.map { "t.\(quoted($0)) IS NULL" }
        return "DELETE FROM \(published) AS t WHERE NOT EXISTS (SELECT 1 FROM \(shadow) AS s WHERE "
            + same.joined(separator: " AND ") + ")"
    }

    /// Says of the rows that stay when they were seen; nil where there is nothing to say.
    var sighting: String? {
        guard !seen.isEmpty else { return nil }
        let columns = seen.map { quoted($0.name) }
        let values = columns.map { "s.\($0)" }.joined(separator: ", ")
        return "UPDATE \(published) AS t SET \(columns.map { "\($0) = s.\($0)" }.joined(separator: ", ")) "
            + "FROM \(shadow) AS s WHERE \(isSameKey.joined(separator: " AND ")) "
            + "AND (\(columns.map { "t.\($0)" }.joined(separator: ", "))) IS DISTINCT FROM (\(values))"
    }

    /// Adds what isn't there, behind `deletion`.
    var insertion: String {
        let columns = definition.columns.map { quoted($0.name) }
        return "INSERT INTO \(published) (\(columns.joined(separator: ", "))) "
            + "SELECT \(columns.map { "s.\($0)" }.joined(separator: ", ")) FROM \(shadow) AS s WHERE NOT EXISTS "
            + "(SELECT 1 FROM \(published) AS t WHERE \(isSameKey.joined(separator: " AND ")))"
    }

    private var isSameKey: [String] { definition.key.map { "t.\(quoted($0)) = s.\(quoted($0))" } }

    /// What makes a row another one.
    private var content: [Column] {
        let content = EndpointContent(definition)
        return isSeenUnique ? content.columns + content.seen : content.columns
    }

    /// What a row that stays is told.
    private var seen: [Column] { isSeenUnique ? [] : EndpointContent(definition).seen }

    /// A value so that only equal ones are the same: no collation takes texts for equal that have other bytes, zero has a
    /// sign, and JSON its numbers' spelling.
    private func exact(_ row: String, _ column: Column) -> String {
        let value = "\(row).\(quoted(column.name))"
        return switch column.type {
        case .text, .json: "\(value)::text COLLATE pg_catalog.\"C\""
        case .real: "pg_catalog.float8send(\(value))"
        case .integer, .time: value
        }
    }
}
