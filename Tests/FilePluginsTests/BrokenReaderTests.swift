import PipelineCore
import PipelineTesting
import Testing

/// Readers with one fault each: the conformance suite has to find it.
@Suite(.timeLimit(.minutes(5)))
struct BrokenReaderTests {
    enum Fault: String, Sendable, CaseIterable {
        case none, trims, normalises, skipsOne, ignoresLimit, restartsAtEveryPosition, resumesOneTooFar, losesLines
        case repeatsPositions, endsTwice, neverEmpty, wrongError

        var check: UserReaderConformance.Check? {
            switch self {
            case .none: nil
            case .trims, .normalises, .skipsOne, .repeatsPositions: .yieldsEverythingInOrder
            case .ignoresLimit: .honoursLimits
            case .restartsAtEveryPosition, .resumesOneTooFar, .losesLines: .resumesAtEveryPosition
            case .endsTwice, .neverEmpty: .readsEmptyInput
            case .wrongError: .reportsMissingInput
            }
        }
    }

    @Test(arguments: Fault.allCases)
    func findsTheFault(_ fault: Fault) async throws {
        let suite = UserReaderConformance(
            makeMissing: { BrokenReader(ids: nil, fault: fault) },
            makeReader: { BrokenReader(ids: $0, fault: fault) })
        guard let check = fault.check else { return try await suite.run() }
        await #expect(throws: UserReaderConformance.Violation.self) { try await suite.run(check) }
    }
}

private struct BrokenReader: UserReader {
    /// nil: the input is missing.
    let ids: [String]?
    let fault: BrokenReaderTests.Fault
    var sourceFile: String? { nil }

    func open(at position: Position) async throws -> any UserCursor {
        guard let ids else { throw PipelineError(fault == .wrongError ? .ioError : .noInput, "there is no input") }
        var index = Int(position.offset)
        if fault == .restartsAtEveryPosition { index = 0 }
        if fault == .resumesOneTooFar, index > 0 { index += 1 }
        return BrokenCursor(ids: ids, start: index, fault: fault)
    }
}

private actor BrokenCursor: UserCursor {
    private let ids: [String]
    private let start: Int
    private let fault: BrokenReaderTests.Fault
    private var index: Int
    private var calls = 0

    init(ids: [String], start: Int, fault: BrokenReaderTests.Fault) {
        self.ids = ids
        self.start = start
        self.fault = fault
        index = start
    }

    func next(limit: Int) -> [InputRecord] {
        calls += 1
        if ids.isEmpty, fault == .neverEmpty || (fault == .endsTwice && calls == 2) { return [record("x", 0)] }
        let count = max(0, min(fault == .ignoresLimit ? limit + 1 : limit, ids.count - index))
        defer { index += count }
        return (index..<index + count).compactMap { place in
            if fault == .skipsOne, place == 17 { return nil }
            return record(ids[place], place)
        }
    }

    func close() {}

    private func record(_ id: String, _ place: Int) -> InputRecord {
        var id = id
        if fault == .trims { id = String(id.drop { $0 == " " }) }
        if fault == .normalises { id = id.utf8.elementsEqual("e\u{301}".utf8) ? "\u{e9}" : id }
        let next = Position(offset: UInt64(fault == .repeatsPositions ? max(1, place) : place + 1))
        return InputRecord(
            content: .userID(id), next: next, line: fault == .losesLines ? place - start + 1 : place + 1)
    }
}
