internal import PipelineCore
internal import SQLStore

extension PostgresTables {
    /// What this pipeline and shard have made and left empty without ever having committed anything, the view and the
    /// tables that a `replace` fills aside included. It holds nothing, so another configuration may have its place.
    ///
    /// - Parameter isLocking: nobody can write there from now on, to the end of the transaction at hand.
    /// - Returns: Nothing where anything was ever committed, where another pipeline or shard writes too, where a table has
    ///   rows, or where somebody has changed a table or added something to it.
    /// - Throws: `PostgresFailure` that `isLockTimeout` where somebody uses them.
    func leftByFirstTry(
        in connection: PostgresConnection, _ catalog: SchemaCatalog, isLocking: Bool
    ) throws -> [String] {
        guard LedgerTables.ofEveryFormat.allSatisfy({ catalog.relations[$0.name]?.isOwn == true }) else { return [] }
        if isLocking { try lock(LedgerTables.ofEveryFormat.map(\.name), "SHARE ROW EXCLUSIVE", in: connection) }
        let ledger = RunLedger(database(connection), pipeline: layout.pipeline, shard: layout.shard)
        guard let tables = try ledger.tablesOfFirstTry(existing: catalog.names), !tables.isEmpty,
            tables.allSatisfy({ catalog.relations[$0]?.isLikeMadeHere == true })
        else { return [] }
        if isLocking { try lock(tables, "ACCESS EXCLUSIVE", in: connection) }
        for table in tables where try connection.query("SELECT 1 FROM \(name(table)) LIMIT 1").rowCount > 0 {
            return []
        }
        var left = tables
        if let view = catalog.relations[UserAttributesView.name] {
            guard view.kind == "v", view.isOwn, view.columns.map(\.name) == UserAttributesView.columns else {
                return []
            }
            left.append(UserAttributesView.name)
        }
        return try isAddedTo(left, in: connection) ? [] : left
    }

    private func lock(_ tables: [String], _ mode: String, in connection: PostgresConnection) throws {
        _ = try connection.execute("LOCK TABLE \(tables.map(name).joined(separator: ", ")) IN \(mode) MODE NOWAIT")
    }

    /// Whether anything hangs on these tables and this view that this program doesn't make: a trigger, a rule, a policy, a
    /// constraint, an index, a grant, a comment, a view of somebody's, or another definition of the view.
    private func isAddedTo(_ relations: [String], in connection: PostgresConnection) throws -> Bool {
        let found = try connection.query(
            """
            WITH own AS (
                SELECT c.oid, c.relname, c.relkind, c.relacl, c.reloptions, c.relrowsecurity FROM pg_catalog.pg_class AS c
                JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                WHERE n.nspname = $1 AND c.relname IN (\(relations.map(literal).joined(separator: ", "))))
            SELECT 1 FROM own WHERE relacl IS NOT NULL OR reloptions <> '{\(Self.room)}' OR relrowsecurity
                OR relkind = 'v' AND position(\(literal(Self.trait)) IN pg_get_viewdef(oid)) = 0
            UNION ALL SELECT 1 FROM pg_catalog.pg_trigger JOIN own ON own.oid = tgrelid WHERE NOT tgisinternal
            UNION ALL SELECT 1 FROM pg_catalog.pg_policy AS p JOIN own ON own.oid = p.polrelid
            UNION ALL SELECT 1 FROM pg_catalog.pg_constraint AS k JOIN own ON own.oid IN (k.conrelid, k.confrelid)
                WHERE k.contype NOT IN ('p', 'n')
            UNION ALL SELECT 1 FROM pg_catalog.pg_inherits JOIN own ON own.oid IN (inhrelid, inhparent)
            UNION ALL SELECT 1 FROM pg_catalog.pg_description JOIN own ON own.oid = objoid
                WHERE classoid = 'pg_catalog.pg_class'::regclass
            UNION ALL SELECT 1 FROM pg_catalog.pg_rewrite AS r JOIN own ON own.oid = r.ev_class
                WHERE r.rulename <> '_RETURN'
            UNION ALL SELECT 1 FROM pg_catalog.pg_depend AS d JOIN own ON own.oid = d.refobjid
                JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid
                WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.classid = 'pg_catalog.pg_rewrite'::regclass
                    AND r.ev_class NOT IN (SELECT oid FROM own)
            UNION ALL SELECT 1 FROM pg_catalog.pg_index AS i JOIN own ON own.oid = i.indrelid
                JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
                WHERE NOT i.indisprimary AND (i.indisunique OR i.indpred IS NOT NULL OR i.indexprs IS NOT NULL
                    OR x.relname <> own.relname || '_' || (
                        SELECT string_agg(a.attname, '_' ORDER BY k.place)
                        FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
                        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = own.oid AND a.attnum = k.attnum) || '_idx')
            LIMIT 1
            """, [schema])
        return found.rowCount > 0
    }
}

extension SchemaCatalog.Relation {
    /// Whether the columns and the key are such as this program gives to a table, in whatever layout and mode.
    fileprivate var isLikeMadeHere: Bool {
        guard kind == "r", isOwn, unlogged.isEmpty, !isKeyDeferrable else { return false }
        guard
            [["application_id"], ["run_id", "application_id"], ["run_id", "shard", "ordinal"]]
                .contains(where: { key.starts(with: $0) })
        else { return false }
        return columns.allSatisfy { column in
            if !column.comparesBytes || column.isFilledByServer { return false }
            if key.contains(column.name) { return true }
            return !column.isRequired && (column.name != "ordinal" || column.type == "bigint")
        }
    }
}
