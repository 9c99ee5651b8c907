internal import PipelineCore
internal import SQLStore

/// The view `user_attributes`.
extension PostgresTables {
    /// What stands in the view that this program makes, and in hardly anybody else's.
    static let trait = "ORDER BY n.effective_date DESC NULLS LAST"

    /// The statements that make the view, or put it in the place of an older one, with its grants and all that depends on it.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where something else has its name.
    func missingView(in connection: PostgresConnection, _ catalog: SchemaCatalog) throws -> [String] {
        guard let view = userAttributesView else { return [] }
        let database = database(connection)
        let making = [view, UserAttributesView.noting(in: database)]
        guard let existing = catalog.relations[UserAttributesView.name] else { return making }
        let columns = existing.columns.map(\.name)
        guard existing.kind == "v", UserAttributesView.columns.allSatisfy(columns.contains) else {
            throw PipelineError(
                .configuration, "\(target): 'user_attributes' is there, but isn't this program's view",
                hint: "Rename or drop it, or name another schema.")
        }
        // A view that somebody has changed stays as it is; so does one that this role may not replace.
        guard try UserAttributesView.version(in: database) ?? 1 < UserAttributesView.version, existing.isOwn,
            columns == UserAttributesView.columns
        else { return [] }
        let isMadeHere = try connection.query(
            "SELECT position($2 IN pg_catalog.pg_get_viewdef(c.oid)) > 0 FROM pg_catalog.pg_class AS c "
                + "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $3",
            [schema, Self.trait, UserAttributesView.name])
        return isMadeHere.rowCount > 0 && isMadeHere.boolean(0, 0) ? making : []
    }

    /// The statement that makes the view `user_attributes`; nil where the layout has no tables for it.
    var userAttributesView: String? {
        guard let view = UserAttributesView(layout.definitions) else { return nil }
        let (endpoints, parts) = (name(view.endpoints.name), name(view.parts.name))
        let isKeyedByRun = layout.mode.keepsRunsApart
        func sameRun(_ left: String, _ right: String) -> String {
            isKeyedByRun ? " AND \(left).run_id = \(right).run_id" : ""
        }
        // A sharded run is complete when each of its shards is.
        let latestRun = """

                AND e.run_id = (
                    SELECT r.run_id FROM \(name(LedgerTables.runs.name)) AS r GROUP BY r.run_id
                    HAVING bool_and(r.state IN (\(UserAttributesView.shownStates)))
                    ORDER BY max(r.logical_date) DESC, r.run_id DESC LIMIT 1)
            """
        // From the endpoints inwards: asking for one user then takes two index look-ups.
        return """
            CREATE OR REPLACE VIEW \(name(UserAttributesView.name)) AS
            SELECT e.application_id, e.user_id, p.name, p."position", p.value
            FROM \(endpoints) AS e
            JOIN \(parts) AS p
                ON p.application_id = e.application_id AND p.endpoint_id = e.endpoint_id\(sameRun("p", "e"))
            WHERE e.endpoint_id = (
                SELECT n.endpoint_id FROM \(endpoints) AS n
                WHERE n.application_id = e.application_id AND n.user_id = e.user_id\(sameRun("n", "e"))
                ORDER BY n.effective_date DESC NULLS LAST, n.endpoint_id COLLATE pg_catalog."C" LIMIT 1)\
            \(isKeyedByRun ? latestRun : "")
            """
    }
}
