public import PipelineCore

/// The first user IDs of a database's answer, which isn't kept aside: for a look at it.
public enum SampledUsers {
    /// - Parameters:
    ///   - label: names the thread that fetches.
    ///   - fetch: gives IDs as their bytes, nil for NULL; no more than one beyond the limit are asked for.
    public static func sample(
        limit: Int, label: String,
        _ fetch: @escaping @Sendable (_ limit: Int, _ body: (UnsafeRawBufferPointer?) throws -> Void) throws -> Void
    ) async throws -> InputSample {
        let records = try await BlockingCall(label: label).perform {
            var records: [InputRecord] = []
            try fetch(limit + 1) { bytes in
                let row = UInt64(records.count)
                let content = SpooledIDs.content(bytes.map { Array($0.prefix(SpooledIDs.longest)) }?[...], row: row + 1)
                records.append(InputRecord(content: content, next: Position(offset: 0, line: row + 1), line: 0))
            }
            return records
        }
        return InputSample(records: Array(records.prefix(limit)), isComplete: records.count <= limit)
    }
}
