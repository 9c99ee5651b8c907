import Foundation
import PipelineCore
import Testing

@Suite("Checkpoints as JSON")
struct CheckpointTests {
    static let positions: [(Position, String)] = [
        (.start, "{}"),
        (Position(offset: 1024, line: 12), #"{"offset":1024,"line":12}"#),
        (Position(token: "a\"b\\\n", member: 7), #"{"token":"a\"b\\\n","member":7}"#),
        (Position(token: "\u{1F600}\u{1}", offset: .max), #"{"token":"😀\u0001","offset":18446744073709551615}"#),
    ]

    @Test("A position is written as it should be and comes back", arguments: positions)
    func position(_ position: Position, _ json: String) throws {
        #expect(position.json == json)
        #expect(try Position(json: json) == position)
    }

    @Test("Parked users come back in order")
    func parked() throws {
        let parked = Self.positions.enumerated().map { ParkedRecord(ordinal: $0 * 1_000_000_007, position: $1.0) }
        #expect(try [ParkedRecord](json: parked.json) == parked)
        #expect([ParkedRecord]().json == "[]")
        #expect(try [ParkedRecord](json: "[]").isEmpty)
        #expect([parked[1]].json == #"[{"ordinal":1000000007,"position":{"offset":1024,"line":12}}]"#)
        // Another parser reads the same.
        let others = try #require(JSONSerialization.jsonObject(with: Data(parked.json.utf8)) as? [[String: Any]])
        #expect(others.map { $0["ordinal"] as? Int } == parked.map(\.ordinal))
    }

    @Test("Counts carry every key, and come back")
    func counts() throws {
        var counts = RunCounts()
        counts.found = 1
        counts.absent = 2
        counts.failed = 3
        counts.endpoints = 4
        counts.superseded = 5
        counts.removed = 6
        counts.previousEndpoints = 7
        counts.refused = 8
        counts.otherShards = 9
        counts.filtered = 10
        counts.notNumbers = 11
        counts.rows = ["users": 3, "endpoints": 4, "a\"b": 1]
        #expect(
            counts.json == #"{"records":6,"found":1,"absent":2,"failed":3,"endpoints":4,"superseded":5,"removed":6,"#
                + #""previous_endpoints":7,"refused":8,"filtered":10,"not_numbers":11,"#
                + #""other_shards":9,"added":null,"changed":null,"unchanged":null,"#
                + #""rows":{"a\"b":1,"endpoints":4,"users":3}}"#)
        #expect(try RunCounts(json: counts.json) == counts)
        #expect(try RunCounts(json: "{}") == RunCounts())
        counts.changes = EndpointChanges(added: 1, changed: 0, unchanged: 3)
        counts.files = ArchiveFileCounts(read: 40, leftOut: 2)
        #expect(
            counts.json.contains(
                #""added":1,"changed":0,"unchanged":3,"files":{"read":40,"left_out":2},"rows""#), "\(counts.json)")
        #expect(try RunCounts(json: counts.json) == counts)
    }

    @Test(
        "Text that isn't a checkpoint's is refused",
        arguments: ["", "[", "null", "1", #"{"offset":-1}"#, #"{"offset":1.5}"#, #"{"token":1}"#, #"{"offset":"1"}"#])
    func refusals(_ json: String) {
        #expect(throws: CheckpointDecodingError.self) { try Position(json: json) }
        #expect(throws: CheckpointDecodingError.self) {
            try [ParkedRecord](json: #"[{"ordinal":1,"position":\#(json)}]"#)
        }
        #expect(throws: CheckpointDecodingError.self) {
            try RunCounts(json: #"{"found":\#(json == "1" ? "x" : json)}"#)
        }
    }
}
