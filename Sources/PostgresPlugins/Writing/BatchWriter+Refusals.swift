internal import PipelineCore
internal import SQLStore

/// Writing what the server admits of a batch.
extension BatchWriter {
    func refusals(_ run: RunRecord) -> RecordRefusals {
        RecordRefusals(
            write: { batch in
                try self.isolated {
                    let observed = try self.writeContent(batch, run: run)
                    try self.writeFailures(of: batch)
                    return observed
                }
            },
            undoing: { body in
                try self.connection.execute("SAVEPOINT sluice_search")
                try body()
                try self.connection.execute("ROLLBACK TO SAVEPOINT sluice_search; RELEASE SAVEPOINT sluice_search")
            },
            reason: { error in
                guard let failure = error as? PostgresFailure, failure.isAboutRows else { return nil }
                // By the name that the user knows.
                return failure.text.replacing(StoreLayout.shadowName(of: ""), with: "")
            })
    }

    private func writeFailures(of batch: Batch) throws {
        guard let place = places.failures else { return }
        try batch.tables[place.index].withRows { rows in
            guard rows.count > 0 else { return }
            hasStagedRows = true
            _ = try BinaryCopy.send(
                rows, Array(0..<rows.count), CopiedColumn.all(of: place.definition),
                to: StagedMerge.staging(place.definition), connection)
        }
        if !batch.tables[place.index].isEmpty { try merge.upsert(place) }
    }
}
