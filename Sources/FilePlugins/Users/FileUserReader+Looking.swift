internal import LineInput
public import PipelineCore

/// A look at the file before a run.
extension FileUserReader {
    public func sample(limit: Int) async throws -> InputSample {
        guard case .file(let path) = place else {
            return InputSample(findings: [.ok("standard input is read by the run alone, which keeps it aside")])
        }
        var sample = try await firstRecords(limit)
        if let headless, let first = try await headless.firstRecords(1).records.first,
            case .userID(let header) = first.content, UserIDForm.looksLikeData(Array(header.utf8))
        {
            sample.findings.append(
                .doubt(
                    "the first row of \(path.written) is taken for a header, but looks like a user's",
                    hint: "Set header: false if the file has none."))
        }
        return sample
    }

    public func count(within time: Duration) async throws -> InputCount? {
        guard case .file = place else { return nil }
        let end = ContinuousClock.now + time
        let cursor = try await open(at: .start)
        do {
            var count = 0
            var read: UInt64 = 0
            while ContinuousClock.now < end {
                let records = try await cursor.next(limit: 4096)
                guard let last = records.last else {
                    await cursor.close()
                    return InputCount(count, isExact: true)
                }
                count += records.count
                read = last.next.offset
            }
            await cursor.close()
            guard read > 0, let size = inputSize else { return nil }
            return InputCount(Int(Double(count) * Double(size) / Double(read)), isExact: false)
        } catch {
            await cursor.close()
            throw error
        }
    }

    /// The same file, its header taken for a user; nil where it has none, or where the column is found by it.
    private var headless: FileUserReader? {
        let layout: ListLayout
        switch self.layout {
        case .lines(hasHeader: true): layout = .lines(hasHeader: false)
        case .whitespace(hasHeader: true): layout = .whitespace(hasHeader: false)
        case .csv(let column, hasHeader: true, let separator):
            switch column {
            case .number: layout = .csv(column: column, hasHeader: false, separator: separator)
            case .name(let name):
                guard let number = Int(name), number > 0 else { return nil }
                layout = .csv(column: .number(number), hasHeader: false, separator: separator)
            }
        default: return nil
        }
        return FileUserReader(place: place, layout: layout, distinct: false)
    }
}
