internal import Flattening
internal import PipelineCore

extension RunPlan {
    /// So many IDs or records of the input are looked at.
    static let checkedRecords = 1000
    /// A part that doesn't answer in this time counts as one that is away. Longer than any wait of a first contact.
    private static let patience = Duration.seconds(40)

    /// Opens everything as a run would, and writes nothing: the input's beginning, credentials and one call, each sink.
    ///
    /// - Parameter check: what was found before; the rest is added.
    public func check(_ check: inout PipelineCheck) async {
        switch source {
        case .lookup(let reader, let lookup, _): await self.check(&check, reader, lookup)
        case .archive(let reader, let decoder, _):
            await check.add("archive") { try await findings(reader, decoder) }
        }
        for planned in sinks {
            await check.add("sink '\(planned.sink.name)'") {
                try await inTime("sink '\(planned.sink.name)'") { try await planned.sink.inspect(context(of: planned)) }
                    .findings
            }
        }
    }

    private func check(_ check: inout PipelineCheck, _ reader: any UserReader, _ lookup: any UserLookup) async {
        var first: String?
        await check.add("users") {
            let sample = try await inTime("the list of users") { try await reader.sample(limit: Self.checkedRecords) }
            first = sample.records.lazy.compactMap { if case .userID(let id) = $0.content { id } else { nil } }.first
            return UserListDoubts(sample, minRecords: limits.minRecords).findings
        }
        let before = check.exitCode
        await check.add("credentials") { try await inTime("the source of credentials") { try await lookup.check() } }
        if check.exitCode != 0, check.exitCode != before {
            return check.add("one call", [.doubt("not tried, for want of credentials")])
        }
        guard let userID = first else {
            return check.add("one call", [.doubt("not tried: no user's ID is at hand")])
        }
        await check.add("one call") { try await answer(to: userID, lookup) }
    }

    private func answer(to userID: String, _ lookup: any UserLookup) async throws -> [CheckFinding] {
        let start = ContinuousClock.now
        let outcome = try await inTime("the service") { try await lookup.lookUp(userID, call: LookupCall()) }
        let milliseconds = Int((ContinuousClock.now - start) / .milliseconds(1))
        switch outcome {
        case .found(let endpoints):
            return [
                .ok("the first user has \(CountText.of(endpoints.count, "endpoint")), answered in \(milliseconds) ms")
            ]
        case .absent:
            return [
                .doubt(
                    "the service knows no such user as the first one, answered in \(milliseconds) ms",
                    hint: "Where that is so of most of them, the column or the application is the wrong one.")
            ]
        case .failed(let failure):
            return [
                .doubt(
                    "the first user failed: \(failure.status.map { "\($0) " } ?? "")\(failure.code)",
                    hint: "sluice preview shows its row of failures.")
            ]
        }
    }

    private func findings(_ reader: any ArchiveReader, _ decoder: any RecordDecoder) async throws -> [CheckFinding] {
        let archive = try await inTime("the archive") { try await ListedArchive.open(reader) }
        let read = archive.listing.filter { $0.leftOut == nil }
        let leftOut = archive.listing.count - read.count
        var findings = [
            CheckFinding.ok(
                CountText.of(read.count, "file") + (leftOut == 0 ? "" : " and \(leftOut) left out")
                    + ", \(CountText.of(bytes: read.reduce(0) { $0 + $1.size }))")
        ]
        let source = try await inTime("the archive") {
            try await ArchiveRecordSource.open(
                archive, decoder: decoder, resume: SourceResume(), limit: Self.checkedRecords)
        }
        var records = 0
        var failures: [String: Int] = [:]
        var unmet = UnmetMembers(sinks.flatMap(\.transforms))
        do {
            while true {
                let events = try await source.next(limit: 256)
                if events.isEmpty { break }
                for case .record(let record) in events {
                    records += 1
                    switch record.outcome {
                    case .found(let endpoints): unmet.look(at: endpoints)
                    case .absent: break
                    case .failed(let failure): failures[failure.code, default: 0] += 1
                    }
                }
            }
        } catch {
            await source.close()
            throw error
        }
        await source.close()
        let failed = failures.values.reduce(0, +)
        let which = records < Self.checkedRecords ? "all" : "the first"
        if failed == 0 {
            findings.append(.ok("\(which) \(CountText.of(records, "record")) can be read"))
        } else {
            let codes = failures.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            findings.append(
                .doubt(
                    "of \(which) \(CountText.of(records, "record")) \(failed) can't be read: \(codes)",
                    hint: "sluice preview shows their rows of failures."))
        }
        return findings + unmet.findings
    }

    /// - Throws: `PipelineError` of kind `.unavailable` where it takes too long.
    private func inTime<R: Sendable>(
        _ what: String, _ body: @escaping @Sendable () async throws -> R
    ) async throws -> R {
        guard let result = try await withinTime(Self.patience, body) else {
            throw PipelineError(
                .unavailable, "\(what) hasn't answered within \(Self.patience.components.seconds) s",
                hint: "Try again, and see what is in the way if it stays so.")
        }
        return result
    }
}
