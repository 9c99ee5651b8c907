internal import PipelineCore
internal import SQLStore

/// Copying a batch's rows to the server.
extension BatchWriter {
    /// Copies users and endpoints into the session's own tables.
    ///
    /// - Returns: rows copied, by table.
    func stageOwners(
        _ resolved: BatchMerge, _ users: RowsInPlace, _ endpoints: RowsInPlace
    ) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        if let place = places.users {
            counts[place.definition.name] = try BinaryCopy.send(
                users, resolved.users(), CopiedColumn.all(of: place.definition),
                to: StagedMerge.staging(place.definition), connection)
        }
        if let place = places.endpoints {
            let columns =
                CopiedColumn.all(of: place.definition)
                + [CopiedColumn(name: StagedMerge.batchRow, type: .integer, place: nil)]
            counts[place.definition.name] = try BinaryCopy.send(
                endpoints, resolved.endpoints(), columns, to: StagedMerge.staging(place.definition), connection)
        }
        return counts
    }

    /// Copies users and endpoints to their place.
    func copyOwners(_ resolved: BatchMerge, _ users: RowsInPlace, _ endpoints: RowsInPlace) throws {
        // Those that others may refer to come first.
        if let place = places.users {
            _ = try BinaryCopy.send(
                users, resolved.users(), CopiedColumn.all(of: place.definition), to: destination(place.definition),
                connection)
        }
        if let place = places.endpoints {
            var columns = CopiedColumn.all(of: place.definition)
            if merge.tracksChanges, let date = EndpointContent(place.definition).logicalDate {
                columns.append(CopiedColumn(name: MergeRecords.changedAt.name, type: .time, place: date))
            }
            _ = try BinaryCopy.send(
                endpoints, resolved.endpoints(), columns, to: destination(place.definition), connection)
        }
    }

    /// Copies all of a batch's parts to their place.
    func copyParts(_ batch: Batch, _ resolved: BatchMerge) throws {
        for place in places.parts {
            let buffer = batch.tables[place.index]
            try buffer.withRows { rows in
                let order = try resolved.parts(rows, of: place, groupEnds: buffer.groupEnds)
                _ = try BinaryCopy.send(
                    rows, order, CopiedColumn.all(of: place.definition), to: destination(place.definition), connection)
            }
        }
    }

    func copyOutdated(_ order: [Int], _ endpoints: RowsInPlace) throws -> Int {
        guard let place = places.endpoints, !order.isEmpty else { return 0 }
        return try BinaryCopy.send(
            endpoints, order,
            [
                CopiedColumn(name: "application_id", type: .text, place: place.application),
                CopiedColumn(name: "endpoint_id", type: .text, place: place.id),
            ], to: StagedMerge.outdated, connection)
    }
}
