internal import PipelineCore
internal import SQLStore

extension SQLiteTables {
    /// The statement that makes the view `user_attributes`; nil where the layout has no tables for it.
    var userAttributesView: String? {
        UserAttributesView(layout.definitions).map { view in
            Self.userAttributes(
                view.endpoints.name, view.parts.name,
                isKeyedByRun: view.endpoints.isKeyedByRun && view.parts.isKeyedByRun)
        }
    }

    /// The view's DDL.
    static func userAttributes(
        _ endpoints: String = "endpoints", _ parts: String = "endpoint_user_attributes", isKeyedByRun: Bool
    ) -> String {
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
                    SELECT run_id FROM sluice_runs GROUP BY run_id HAVING min(state = 'complete')
                    ORDER BY max(logical_date) DESC, run_id DESC LIMIT 1)) AS e
            CROSS JOIN \(partTable) AS p
                ON p.run_id = e.run_id AND p.application_id = e.application_id AND p.endpoint_id = e.endpoint_id
            WHERE e.place = 1
            """
    }
}
