import PipelineCore
import PipelineEngine
import Synchronization

/// A lookup whose answers a closure makes.
final class ScriptedLookup: UserLookup {
    typealias Answer = @Sendable (_ userID: String, _ call: LookupCall, _ visit: Int) async throws -> Outcome

    private struct State {
        var visits: [String: Int] = [:]
        var asked: [String] = []
        var underWay = 0
        var mostUnderWay = 0
        var isHeld = false
        var restored: String?
    }

    let applicationID = "app"
    private let box = Mutex(State())
    private let answer: Answer

    init(_ answer: @escaping Answer) { self.answer = answer }

    func lookUp(_ userID: String, call: LookupCall) async throws -> Outcome {
        let visit = box.withLock { state in
            state.asked.append(userID)
            state.underWay += 1
            state.mostUnderWay = max(state.mostUnderWay, state.underWay)
            state.visits[userID, default: 0] += 1
            return state.visits[userID] ?? 0
        }
        defer { box.withLock { $0.underWay -= 1 } }
        call.markSent()
        return try await answer(userID, call, visit)
    }

    var asked: [String] { box.withLock { $0.asked } }
    var mostUnderWay: Int { box.withLock { $0.mostUnderWay } }
    var isHeld: Bool { box.withLock { $0.isHeld } }
    func hold(_ held: Bool) { box.withLock { $0.isHeld = held } }
    var statistics: LookupStatistics { LookupStatistics() }
    /// What it would hand on to the next process.
    var state: String? { "{\"rate\":300}" }
    var restored: String? { box.withLock { $0.restored } }
    func restore(state text: String) { box.withLock { $0.restored = text } }
    func shutdown() async {}
}

/// A reader over IDs in memory; the offset of a position is the index of the next record.
struct ListReader: UserReader {
    var records: [InputRecord.Content]
    /// Thrown in place of the record with this index.
    var faultAt: Int?
    let sourceFile: String? = "list"
    let inputSize: UInt64?

    init(_ ids: [String], faultAt: Int? = nil, inputSize: UInt64? = nil) {
        records = ids.map { .userID($0) }
        self.faultAt = faultAt
        self.inputSize = inputSize
    }

    init(contents: [InputRecord.Content]) {
        records = contents
        faultAt = nil
        inputSize = nil
    }

    func open(at position: Position) async throws -> any UserCursor {
        ListCursor(reader: self, index: Int(position.offset))
    }
}

private actor ListCursor: UserCursor {
    let reader: ListReader
    var index: Int

    init(reader: ListReader, index: Int) {
        self.reader = reader
        self.index = index
    }

    func next(limit: Int) async throws -> [InputRecord] {
        var result: [InputRecord] = []
        while result.count < limit, index < reader.records.count {
            if index == reader.faultAt { break }
            let line = index + 1
            result.append(
                InputRecord(
                    content: reader.records[index], next: Position(offset: UInt64(line), line: UInt64(line)), line: line
                ))
            index += 1
        }
        if result.isEmpty, index == reader.faultAt { throw PipelineError(.noInput, "broken input") }
        return result
    }

    func close() async {}
}

/// A generator whose seed a failing test prints.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
