public import PipelineCore

/// What every user reader must pass, whoever wrote it.
///
/// It needs no test framework: a check throws a `Violation` that says what is wrong. With Swift Testing:
///
/// ```swift
/// @Test(arguments: UserReaderConformance.Check.allCases)
/// func conforms(_ check: UserReaderConformance.Check) async throws {
///     try await UserReaderConformance { ids in try MyReader(writing: ids) }.run(check)
/// }
/// ```
public struct UserReaderConformance: Sendable {
    /// One promise of `UserReader` and `UserCursor`.
    public enum Check: String, Sendable, CaseIterable {
        /// All IDs, unchanged and in order, whatever `limit` is; positions that differ; lines that rise.
        case yieldsEverythingInOrder
        /// No call gives more than `limit` records, and none comes back empty before the end.
        case honoursLimits
        /// Two cursors, opened after one another or used in turns, yield the same.
        case opensTwice
        /// From every position that was yielded, and from the start, reading gives exactly the rest.
        case resumesAtEveryPosition
        /// Input without IDs ends at once, and stays at its end.
        case readsEmptyInput
        /// A cursor that is closed in the middle gives its file descriptors back.
        case closesInTheMiddle
        /// Missing input is a `PipelineError` of kind `.noInput`.
        case reportsMissingInput
    }

    /// A promise that isn't kept.
    public struct Violation: Error, Sendable, CustomStringConvertible {
        public var check: Check
        public var message: String

        public var description: String { "\(check.rawValue): \(message)" }
    }

    private let ids: [String]
    private let makeReader: @Sendable ([String]) async throws -> any UserReader
    private let expected: @Sendable ([String]) -> [String]
    private let makeMissing: (@Sendable () async throws -> any UserReader)?

    /// - Parameters:
    ///   - ids: the input. The check of positions reads it about `ids.count / 2` times over.
    ///   - makeMissing: makes a reader whose input doesn't exist; without it that check passes unseen.
    ///   - expected: what the reader yields for given IDs, where it isn't the IDs themselves (a database that sorts them
    ///     and drops repeats).
    ///   - makeReader: makes a reader over given IDs. It is called for each check anew.
    public init(
        ids: [String] = Self.sampleIDs,
        makeMissing: (@Sendable () async throws -> any UserReader)? = nil,
        expected: @escaping @Sendable ([String]) -> [String] = { $0 },
        makeReader: @escaping @Sendable ([String]) async throws -> any UserReader
    ) {
        self.ids = ids
        self.makeReader = makeReader
        self.expected = expected
        self.makeMissing = makeMissing
    }

    /// 300 IDs of one line each: what tempts a reader to trim, convert, normalise or merge them, and plain ones.
    public static let sampleIDs: [String] =
        [
            "user-1", " leading", "trailing ", " ", "a b", "0123", "1e3", "NO", "null", "~", "user,with,commas",
            "semi;colon", "tab\there", "quote\"inside", "\"quoted\"", "'single'", "back\\slash", "percent%20sign",
            "a/b",
            "a+b", "a?b#c", "...", "ünïcödé", "e\u{301}", "\u{e9}", "日本語", "👩‍👩‍👧", "\u{FEFF}mark", "user-1",
            "USER-1", "${NAME}", "#comment", "-", "--", "=1+1", String(repeating: "long", count: 512),
        ] + (0..<264).map { "plain-\($0)" }

    /// Runs all checks; the first violation is thrown.
    public func run() async throws {
        for check in Check.allCases { try await run(check) }
    }

    public func run(_ check: Check) async throws {
        let probe = UserReaderProbe(check: check)
        switch check {
        case .yieldsEverythingInOrder: try await yieldsEverythingInOrder(probe)
        case .honoursLimits: try await honoursLimits(probe)
        case .opensTwice: try await opensTwice(probe)
        case .resumesAtEveryPosition: try await resumesAtEveryPosition(probe)
        case .readsEmptyInput: try await readsEmptyInput(probe)
        case .closesInTheMiddle: try await closesInTheMiddle(probe)
        case .reportsMissingInput: try await reportsMissingInput(probe)
        }
    }

    private func yieldsEverythingInOrder(_ probe: UserReaderProbe) async throws {
        let records = try await probe.readAll(makeReader(ids))
        try probe.compareIDs(records, with: expected(ids))
        try probe.requireOrder(records)
    }

    private func honoursLimits(_ probe: UserReaderProbe) async throws {
        let reader = try await makeReader(ids)
        let all = try await probe.readAll(reader)
        for limit in [1, 2, 7, max(1, all.count - 1), all.count, all.count + 1, 1000] where limit > 0 {
            try probe.compare(
                try await probe.readAll(reader, limit: limit), with: all[...], "with a limit of \(limit)")
        }
    }

    private func opensTwice(_ probe: UserReaderProbe) async throws {
        let reader = try await makeReader(ids)
        let first = try await probe.readAll(reader)
        try probe.compare(try await probe.readAll(reader), with: first[...], "when it was opened a second time")
        let one = try await reader.open(at: .start)
        let other = try await reader.open(at: .start)
        for record in first {
            for cursor in [one, other] {
                try probe.compare(
                    try await cursor.next(limit: 1), with: [record], "when two cursors were used in turns")
            }
        }
        await one.close()
        await other.close()
    }

    private func resumesAtEveryPosition(_ probe: UserReaderProbe) async throws {
        let reader = try await makeReader(ids)
        let all = try await probe.readAll(reader)
        for (index, record) in all.enumerated() {
            let rest = try await probe.readAll(reader, from: record.next)
            try probe.compare(rest, with: all[(index + 1)...], "from the position behind record \(index)")
        }
    }

    private func readsEmptyInput(_ probe: UserReaderProbe) async throws {
        let cursor = try await makeReader([]).open(at: .start)
        for attempt in 1...3 {
            let records = try await cursor.next(limit: 10)
            try probe.require(records.isEmpty, "call \(attempt) gave \(records.count) records of empty input")
        }
        await cursor.close()
    }

    private func closesInTheMiddle(_ probe: UserReaderProbe) async throws {
        let reader = try await makeReader(ids)
        // The cursors are kept: it must be `close` that gives back what they hold. Other tests open files at the same
        // time, but they end, and a leak stays.
        var closed: [any UserCursor] = []
        let before = openFileDescriptors()
        for _ in 0..<256 {
            let cursor = try await reader.open(at: .start)
            _ = try await cursor.next(limit: 2)
            await cursor.close()
            closed.append(cursor)
        }
        var after = openFileDescriptors()
        let patience = ContinuousClock.now + .seconds(60)
        while after - before >= 128, ContinuousClock.now < patience {
            try await Task.sleep(for: .milliseconds(200))
            after = openFileDescriptors()
        }
        try probe.require(after - before < 128, "256 closed cursors left \(after - before) file descriptors open")
        withExtendedLifetime(closed) {}
    }

    private func reportsMissingInput(_ probe: UserReaderProbe) async throws {
        guard let makeMissing else { return }
        do {
            let cursor = try await makeMissing().open(at: .start)
            await cursor.close()
        } catch let error as PipelineError {
            try probe.require(error.kind == .noInput, "the error is of kind \(error.kind), not noInput: \(error)")
            return
        } catch {
            throw Violation(check: probe.check, message: "the error is no PipelineError but \(error)")
        }
        throw Violation(check: probe.check, message: "missing input was opened without an error")
    }
}
