internal import PipelineCore
internal import SQLStore

/// Copying a batch's rows to the server.
extension BatchWriter {
    /// - Returns: rows of users and endpoints copied, by table.
    func copyOwners(
        _ resolved: BatchMerge, _ users: RowsInPlace, _ endpoints: RowsInPlace,
        to destination: (TableDefinition) -> String
    ) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        // Those that others may refer to come first.
        if let place = places.users {
            counts[place.definition.name] = try BinaryCopy.send(
                users, resolved.users(), of: place.definition, to: destination(place.definition), connection)
        }
        if let place = places.endpoints {
            counts[place.definition.name] = try BinaryCopy.send(
                endpoints, resolved.endpoints(), of: place.definition, to: destination(place.definition), connection)
        }
        return counts
    }

    /// - Returns: rows of parts copied, by table.
    func copyParts(
        _ batch: Batch, _ resolved: BatchMerge, to destination: (TableDefinition) -> String
    ) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for place in places.parts {
            let buffer = batch.tables[place.index]
            counts[place.definition.name] = try buffer.withRows { rows in
                try BinaryCopy.send(
                    rows, try resolved.parts(rows, of: place, groupEnds: buffer.groupEnds), of: place.definition,
                    to: destination(place.definition), connection)
            }
        }
        return counts
    }

    func copyOutdated(_ order: [Int], _ endpoints: RowsInPlace) throws -> Int {
        guard let place = places.endpoints, !order.isEmpty else { return 0 }
        var keys = RowBuffer(columnCount: 2)
        for row in order {
            for column in [place.application, place.id] {
                keys.append(keys.store(.text, endpoints.bytes(row, column)))
            }
        }
        let definition = TableDefinition(
            name: StagedMerge.outdated, role: .endpoints,
            columns: [Column("application_id", .text), Column("endpoint_id", .text)], key: [])
        return try keys.withRows { rows in
            try BinaryCopy.send(
                rows, Array(0..<rows.count), of: definition, to: StagedMerge.outdated, connection)
        }
    }
}
