import Flattening
import Foundation
import PipelineCore
import Testing

/// Rows, read back by code that knows nothing of how they were made, are the answer again.
@Suite struct RoundTripTests {
    private static let layouts: [(String, Layout)] = [
        ("normalized", .normalized()),
        ("normalized with columns", .normalized(mode: .append, columns: columns)),
        ("document", .document(columns: columns)), ("document in entries", .document(mode: .append, maps: .entries)),
    ]
    private static let columns = [
        PulledColumn(name: "a", path: ["Attributes", "a"], form: .number),
        PulledColumn(name: "b", path: ["User", "UserAttributes", "Interests"], form: .number),
        PulledColumn(name: "c", path: ["New"], form: .number),
        PulledColumn(name: "d", path: ["Address"], form: .number),
        PulledColumn(name: "e", path: ["Demographic", "é"], form: .number),
        PulledColumn(name: "f", path: ["Metrics", "Plan"], form: .number),
        PulledColumn(name: "g", path: ["New", "a", "A", "Plan"], form: .number),
        PulledColumn(name: "h", path: ["Attributes"], form: .json),
    ]

    @Test(.timeLimit(.minutes(10))) func nothingIsLost() throws {
        let seed = UInt64.random(in: 0 ... .max)
        let count = ProcessInfo.processInfo.environment["SLUICE_ROUND_TRIPS"].flatMap(Int.init) ?? 10_000
        print("round trips of \(count) answers, seed \(seed)")
        var random = RoundTripRandom(seed: seed)
        var compared = 0
        for start in stride(from: 0, to: count, by: 500) {
            let answers = (start..<min(start + 500, count)).map { GeneratedAnswer(ordinal: $0, &random) }
            for isAsked in [true, false] {
                let records = try answers.enumerated().map { place, answer in
                    try Self.record(answer, ordinal: start + place, isAsked: isAsked)
                }
                for (name, layout) in Self.layouts {
                    var builder = BatchBuilder(layout: layout, run: FlattenedBatch.run)
                    for record in records { builder.append(record) }
                    let (buffers, counts) = builder.finish()
                    #expect(counts.failed == 0)
                    let rows = try RowsReadBack(layout.tables, buffers).endpoints()
                    let expected = answers.flatMap { $0.endpoints.map { Self.expected($0, isAsked: isAsked) } }
                    try #require(rows.count == expected.count, "seed \(seed), \(name), from \(start)")
                    for (row, endpoint) in zip(rows, expected) where row.endpoint != endpoint {
                        let body = answers[Int(row.ordinal) - start].body
                        Issue.record("seed \(seed), \(name): \(row.endpoint) is read back of \(body)")
                        return
                    }
                    compared += rows.count
                }
            }
        }
        print("\(compared) endpoints compared")
        #expect(compared > count)
    }

    private static func record(_ answer: GeneratedAnswer, ordinal: Int, isAsked: Bool) throws -> SourceRecord {
        let tape = try JSONTape(decoding: answer.body)
        let form = tape.root["Item"].map { EndpointTape.Form.list(node: $0.index) } ?? .none
        return SourceRecord(
            ordinal: ordinal, userID: isAsked ? "u" : nil, applicationID: "app", next: .start,
            origin: RecordOrigin(file: nil, line: 0), hashedBytes: [], outcome: .found(EndpointTape(tape, form: form)))
    }

    /// The application, and the user where one was asked for, stand in columns whether or not the answer repeats them.
    private static func expected(_ endpoint: WireValue, isAsked: Bool) -> WireValue {
        var endpoint = endpoint
        func fill(_ path: [String], _ text: String) {
            if endpoint[path] == nil { _ = endpoint.set(path.map { Array($0.utf16) }[...], .text(text)) }
        }
        fill(["ApplicationId"], "app")
        if isAsked { fill(["User", "UserId"], "u") }
        return endpoint
    }
}
