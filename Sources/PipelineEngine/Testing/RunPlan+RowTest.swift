internal import Flattening
public import PipelineCore

extension RunPlan {
    /// The date of a test's rows, which are the same on every day.
    private static let testDate = "2026-01-01T00:00:00.000Z"

    /// Makes rows of a test's documents, as a run would, and compares them with the expected ones.
    ///
    /// - Parameter decoder: reads the documents.
    /// - Returns: Nothing where all are as expected.
    public func differences(from test: RowTest, decoder: any RecordDecoder) throws -> [RowDifference] {
        let owners = rowSetOwners.filter { owner in
            test.sink.map { name in sinks.contains { $0.sink.name == name && $0.rowSetIndex == owner.rowSetIndex } }
                ?? true
        }
        var flattening = RecordFlattening(
            run: RowContext(runID: "test", logicalDate: Self.testDate),
            contents: owners.map { ($0.transforms, $0.layout) })
        for record in records(of: test, decoder) { try flattening.append(record) }
        return zip(owners, flattening.finish()).flatMap { owner, content in
            let names = sinks.filter { $0.rowSetIndex == owner.rowSetIndex }.map(\.sink.name)
            let tables = owner.layout.tables
            return test.rows.flatMap { expected -> [RowDifference] in
                guard let index = tables.firstIndex(where: { $0.name == expected.table }) else {
                    let known = tables.map(\.name).joined(separator: ", ")
                    return [
                        RowDifference(
                            sinks: names, table: expected.table, message: "there is no such table; there are \(known)")
                    ]
                }
                return RowComparison(table: tables[index], sinks: names).differences(
                    expected: expected.rows, found: content.tables[index])
            }
        }
    }

    private func records(of test: RowTest, _ decoder: any RecordDecoder) -> [SourceRecord] {
        func record(_ ordinal: Int, _ userID: String?, _ outcome: Outcome) -> SourceRecord {
            SourceRecord(
                ordinal: ordinal, userID: userID, applicationID: decoder.applicationID, next: .start,
                origin: RecordOrigin(file: nil, line: ordinal + 1), hashedBytes: [], outcome: outcome)
        }
        guard source.isList else {
            return test.documents.enumerated().map { record($0.offset, nil, decoder.decode(Array($0.element.utf8))) }
        }
        if test.documents.isEmpty { return [record(0, test.user ?? "user", .absent)] }
        return test.documents.enumerated().map { ordinal, document in
            let outcome = decoder.decode(Array(document.utf8))
            return record(ordinal, test.user ?? Self.userID(of: outcome) ?? "user", outcome)
        }
    }

    /// The user of an answer, as its first endpoint says it.
    private static func userID(of outcome: Outcome) -> String? {
        guard case .found(let endpoints) = outcome else { return nil }
        return endpoints.endpoints.lazy.compactMap { $0["User"]?["UserId"]?.text }.first
    }
}
