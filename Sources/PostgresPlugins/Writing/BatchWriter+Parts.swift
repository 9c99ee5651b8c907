internal import PipelineCore
internal import SQLStore

/// Writing the parts of endpoints that the store has already: only what differs is written.
///
/// What is stored is read and compared here: that is one look into the index for an endpoint, where a comparison on the
/// server takes a row to be staged and a look for each part.
extension BatchWriter {
    /// Compares the parts of the endpoints that were found, by table.
    func compareParts(
        _ batch: Batch, _ resolved: BatchMerge, _ endpoints: RowsInPlace, runID: String
    ) throws -> [PartDifferences] {
        guard let owner = places.endpoints else { return [] }
        return try places.parts.map { place in
            let buffer = batch.tables[place.index]
            return try buffer.withRows { rows in
                let groups = try PartGroups(
                    rows, of: place, groupEnds: buffer.groupEnds, endpoints, resolved.plan)
                var comparison = PartComparison(rows, of: place.definition, groups)
                var gone = GoneParts(place, owner, endpoints, columns: comparison.columns)
                var differences = PartDifferences()
                let sql = storedParts(place, comparison.columns, runID: runID)
                let types = comparison.types
                var row = BinaryRow()
                try connection.copyOut(sql) { message in
                    guard try row.take(message) else { return }
                    let endpoint = Int(row.integer(0))
                    if !comparison.meet(endpoint, { row.value($0 + 1, types[$0]) }) {
                        gone.append(endpoint, row)
                        differences.endpoints.insert(endpoint)
                    }
                }
                for row in try resolved.parts(rows, of: place, groupEnds: buffer.groupEnds) {
                    switch comparison.change(of: row, resolved.plan) {
                    case .added: differences.added.append(row)
                    case .changed: differences.changed.append(row)
                    case nil: break
                    }
                }
                differences.gone = gone.rows
                differences.endpoints.formUnion(comparison.differing)
                return differences
            }
        }
    }

    /// The stored parts of the endpoints that were found, each behind its endpoint's row in the batch.
    private func storedParts(_ place: LayoutPlaces.Place, _ columns: [Int], runID: String) -> String {
        let values = columns.map { "d.\(quoted(place.name($0)))" }
        return """
            COPY (SELECT t.\(StagedMerge.batchRow), \(values.joined(separator: ", "))
                FROM \(StagedMerge.touched) AS t JOIN \(destination(place.definition)) AS d
                    ON d.\(quoted(place.name(place.application))) = t.application_id
                    AND d.\(quoted(place.name(place.id))) = t.endpoint_id\(merge.ofRun("d", runID))
                WHERE t.is_written) TO STDOUT (FORMAT binary)
            """
    }

    /// Deletes the parts that the batch lacks.
    func deleteGone(_ differences: [PartDifferences], runID: String) throws {
        for (place, difference) in zip(places.parts, differences) where !difference.gone.isEmpty {
            try difference.gone.withRows { rows in
                let columns = StagedMerge.keyColumns(of: place.definition).enumerated().map {
                    CopiedColumn(name: $1.name, type: $1.type, place: $0)
                }
                _ = try BinaryCopy.send(
                    rows, Array(0..<rows.count), columns, to: StagedMerge.gone(place.definition), connection)
            }
            try merge.deleteGone(place, runID: runID)
        }
    }

    /// Writes the parts of merged endpoints that the store doesn't have as they are.
    ///
    /// - Parameter differences: by table; nil where the store has none of these endpoints.
    func writeParts(_ batch: Batch, _ resolved: BatchMerge, _ differences: [PartDifferences]?) throws {
        for (number, place) in places.parts.enumerated() {
            let buffer = batch.tables[place.index]
            try buffer.withRows { rows in
                let changed = differences?[number].changed ?? []
                if !changed.isEmpty { try replace(rows, changed, of: place) }
                let added =
                    try differences?[number].added ?? resolved.parts(rows, of: place, groupEnds: buffer.groupEnds)
                if !added.isEmpty { try add(rows, added, to: place) }
            }
        }
    }

    private func add(_ rows: RowsInPlace, _ order: [Int], to place: LayoutPlaces.Place) throws {
        // Straight to their place, unless somebody's rows are in the way or the table takes no COPY.
        do {
            try isolated {
                _ = try BinaryCopy.send(
                    rows, order, CopiedColumn.all(of: place.definition), to: destination(place.definition), connection)
            }
        } catch let failure as PostgresFailure where failure.isUniqueViolation || failure.isUnsupported {
            try replace(rows, order, of: place)
        }
    }

    private func replace(_ rows: RowsInPlace, _ order: [Int], of place: LayoutPlaces.Place) throws {
        let staging = StagedMerge.staging(place.definition)
        _ = try BinaryCopy.send(rows, order, CopiedColumn.all(of: place.definition), to: staging, connection)
        try merge.upsert(place)
        try connection.execute("DELETE FROM \(staging)")
    }
}
