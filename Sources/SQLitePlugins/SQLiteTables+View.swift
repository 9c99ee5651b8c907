internal import PipelineCore
internal import SQLStore

extension SQLiteTables {
    /// The statement that makes the view `user_attributes`; nil where the layout has no tables for it.
    var userAttributesView: String? { userAttributesView(version: UserAttributesView.version) }

    private func userAttributesView(version: Int) -> String? {
        UserAttributesView(layout.definitions).map { view in
            Self.userAttributes(
                view.endpoints.name, view.parts.name,
                isKeyedByRun: view.endpoints.isKeyedByRun && view.parts.isKeyedByRun, version: version)
        }
    }

    /// The statements that make the view, or put it in the place of an older one.
    ///
    /// - Parameter kinds: what there is in the database, by name.
    /// - Throws: `PipelineError` of kind `.configuration` where something else has its name.
    func missingView(in connection: SQLiteConnection, _ kinds: [String: String]) throws -> [String] {
        guard let view = userAttributesView else { return [] }
        let noting = UserAttributesView.noting(in: connection)
        guard let kind = kinds[UserAttributesView.name] else { return [view, noting] }
        let version = try UserAttributesView.version(in: connection)
        let text = try connection.query(
            "SELECT sql FROM sqlite_schema WHERE name = ?1", UserAttributesView.name
        ).first?[0]
        // Before it had a number it was known by its text.
        guard kind == "view", version != nil || text == userAttributesView(version: 1) || text == view else {
            throw PipelineError(
                .configuration, "\(connection.path): 'user_attributes' is there, but isn't this program's view",
                hint: "Rename or drop it, or name another path.")
        }
        if version == UserAttributesView.version { return [] }
        return text == view ? [noting] : ["DROP VIEW \(quoted(UserAttributesView.name))", view, noting]
    }

    /// The view's DDL.
    static func userAttributes(
        _ endpoints: String = "endpoints", _ parts: String = "endpoint_user_attributes", isKeyedByRun: Bool,
        version: Int = UserAttributesView.version
    ) -> String {
        let isShown = version == 1 ? "state = 'complete'" : "state IN (\(UserAttributesView.shownStates))"
        let endpointTable = quoted(endpoints)
        let partTable = quoted(parts)
        // From the endpoints inwards: asking for one user then takes two index look-ups.
        guard isKeyedByRun else {
            return """
                CREATE VIEW user_attributes AS
                SELECT e.application_id, e.user_id, p.name, p.position, p.value
                FROM \(endpointTable) AS e
                JOIN \(partTable) AS p ON p.application_id = e.application_id AND p.endpoint_id = e.endpoint_id
                WHERE e.endpoint_id = (
                    SELECT n.endpoint_id FROM \(endpointTable) AS n
                    WHERE n.application_id = e.application_id AND n.user_id = e.user_id
                    ORDER BY n.effective_date DESC NULLS LAST, n.endpoint_id LIMIT 1)
                """
        }
        // One pass over the run for all users, and one index look-up for one user: SQLite moves the condition inwards. The
        // cross join keeps it from going the other way, from the parts of all endpoints.
        return """
            CREATE VIEW user_attributes AS
            SELECT e.application_id, e.user_id, p.name, p.position, p.value
            FROM (
                SELECT run_id, application_id, user_id, endpoint_id, row_number() OVER (
                    PARTITION BY application_id, user_id ORDER BY effective_date DESC NULLS LAST, endpoint_id) AS place
                FROM \(endpointTable)
                WHERE user_id IS NOT NULL AND run_id = (
                    SELECT run_id FROM sluice_runs GROUP BY run_id HAVING min(\(isShown))
                    ORDER BY max(logical_date) DESC, run_id DESC LIMIT 1)) AS e
            CROSS JOIN \(partTable) AS p
                ON p.run_id = e.run_id AND p.application_id = e.application_id AND p.endpoint_id = e.endpoint_id
            WHERE e.place = 1
            """
    }
}
