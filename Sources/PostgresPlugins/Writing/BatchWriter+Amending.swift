internal import PipelineCore
internal import SQLStore

/// Amending a run that has ended: its failures, and rows that came after them.
extension BatchWriter {
    /// Removes rows of failures, and leaves out of a batch what its own run has written since.
    ///
    /// - Returns: what is left of the batch, and how many of its endpoints aren't.
    func makeRoom(
        for batch: Batch, runID: String, _ failures: StoredFailures?
    ) throws -> (batch: Batch, superseded: Int) {
        if batch.amends.isEmpty { return (batch, 0) }
        try failures?.remove(batch.amends, ofRun: runID)
        try Failpoint.reach("postgres.amend.after-failures")
        return try batch.droppingSuperseded(
            users: try later(batch, places.users, runID: runID),
            endpoints: try later(batch, places.endpoints, runID: runID), tables.layout.definitions)
    }

    /// The rows of a batch whose key the run has stored with a higher ordinal.
    private func later(_ batch: Batch, _ place: LayoutPlaces.Place?, runID: String) throws -> Set<Int> {
        guard let place, place.definition.index(of: "run_id") != nil,
            let ordinal = place.definition.index(of: "ordinal"), !batch.tables[place.index].isEmpty
        else { return [] }
        return try batch.tables[place.index].withRows { rows in
            func texts(_ column: Int) -> String { Self.array(rows, Array(0..<rows.count), column) }
            let ordinals = (0..<rows.count).map { String(rows.cell($0, ordinal).integer) }.joined(separator: ",")
            let found = try connection.query(
                """
                SELECT s.row FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY
                    AS s(application_id, id, ordinal, row)
                JOIN \(destination(place.definition)) AS e ON e.\(quoted(place.name(place.application))) = s.application_id
                    AND e.\(quoted(place.name(place.id))) = s.id
                WHERE e.run_id = $4 AND e.ordinal > s.ordinal
                """, [texts(place.application), texts(place.id), "{\(ordinals)}", runID])
            return Set((0..<found.rowCount).map { found.integer($0, 0) - 1 })
        }
    }

    /// A text column's values as an array's literal.
    static func array(_ rows: RowsInPlace, _ order: [Int], _ column: Int) -> String {
        "{" + order.map { element(rows.bytes($0, column)) }.joined(separator: ",") + "}"
    }

    /// A text as an element of an array's literal.
    private static func element(_ bytes: UnsafeRawBufferPointer) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
