import PipelineCore
import PipelineEngine
import PipelineTesting
import Testing

@Suite struct CanonicalRowTests {
    private static func hash(_ value: RowView.Value, _ type: ColumnType) -> String {
        let table = TableDefinition(
            name: "t", role: .users, columns: [Column("k", .text), Column("v", type)], key: ["k"])
        var rows = SinkRows([table])
        rows.append([.text("key"), value], to: 0)
        var digest = TableDigest(CanonicalRow(table, comparing: ["k", "v"]))
        digest.add(rows.buffers[0])
        return digest.text
    }

    struct Pair: Sendable, CustomTestStringConvertible {
        var left: RowView.Value
        var right: RowView.Value
        var type: ColumnType
        var testDescription: String { "\(left) \(right)" }
    }

    @Test(arguments: [
        Pair(left: .number(0), right: .number(-0.0), type: .real),
        Pair(left: .number(3), right: .integer(3), type: .real),
        Pair(left: .json(#"{"a":1,"b":[2]}"#), right: .json(#"{ "b" : [2.0] , "a" : 1e0 }"#), type: .json),
        Pair(left: .json("1000"), right: .json("1.000e3"), type: .json),
        Pair(left: .json("0"), right: .json("-0.00e7"), type: .json),
        Pair(left: .json("-0.00120"), right: .json("-12e-4"), type: .json),
        Pair(
            left: .json("123456789012345678901234567890.5"), right: .json("1234567890123456789012345678905e-1"),
            type: .json),
        Pair(left: .json(#"{"a":1,"a":2}"#), right: .json(#"{"a":2}"#), type: .json),
        Pair(left: .json(#"["é\/\n"]"#), right: .json(#"["\u00e9/\u000A"]"#), type: .json),
        Pair(left: .json("{}"), right: .json(" { } "), type: .json),
    ])
    func equal(_ pair: Pair) { #expect(Self.hash(pair.left, pair.type) == Self.hash(pair.right, pair.type)) }

    @Test(arguments: [
        Pair(left: .null, right: .text(""), type: .text),
        Pair(left: .text("1"), right: .integer(1), type: .text),
        Pair(left: .text("1"), right: .integer(1), type: .integer),
        Pair(left: .text("é"), right: .text("e\u{301}"), type: .text),
        Pair(left: .text("a"), right: .text("a "), type: .text),
        Pair(left: .number(0.1), right: .number(0.1.nextUp), type: .real),
        Pair(left: .json("[1,2]"), right: .json("[2,1]"), type: .json),
        Pair(left: .json("[1,2]"), right: .json("[12]"), type: .json),
        Pair(left: .json("1"), right: .json(#""1""#), type: .json),
        Pair(left: .json("10"), right: .json("1"), type: .json),
        Pair(left: .json("null"), right: .null, type: .json),
        Pair(left: .json("null"), right: .json("false"), type: .json),
        Pair(left: .json(#"{"a":null}"#), right: .json("{}"), type: .json),
        Pair(left: .json(#"{"a":"b"}"#), right: .json(#"{"a":"b","c":1}"#), type: .json),
        Pair(
            left: .json("100000000000000000000000000000001"), right: .json("100000000000000000000000000000002"),
            type: .json),
        Pair(left: .time("2026-01-01T00:00:00.001Z"), right: .time("2026-01-01T00:00:00.002Z"), type: .time),
    ])
    func different(_ pair: Pair) { #expect(Self.hash(pair.left, pair.type) != Self.hash(pair.right, pair.type)) }

    /// SHA-256 of the bytes that are written down here, by `printf … | sha256sum`.
    @Test func theHashIsTheOneThatIsDocumented() {
        // printf 't\0\0\0\0\0\0\0\003keyi\0\0\0\0\0\0\0\005' | sha256sum
        #expect(Self.hash(.integer(5), .integer) == "74b57b3d406ffab117f0532c96c3653c")
    }

    @Test func keysSortAsTheirValuesDo() {
        let table = TableDefinition(
            name: "t", role: .failures, columns: [Column("a", .text), Column("b", .integer)], key: ["a", "b"])
        let sorted: [[RowView.Value]] = [
            [.text(""), .integer(Int64.min)], [.text(""), .integer(-1)], [.text(""), .integer(0)],
            [.text(""), .integer(Int64.max)], [.text("a"), .integer(0)], [.text("a "), .integer(0)],
            [.text("b"), .integer(0)], [.text("é"), .integer(0)], [.text("🙂"), .integer(0)],
        ]
        var rows = SinkRows([table])
        for row in sorted { rows.append(row, to: 0) }
        var form = CanonicalRow(table, comparing: ["a", "b"])
        let buffer = rows.buffers[0]
        let keys = buffer.withUnsafeContents { cells, arena in
            (0..<buffer.rowCount).map { row in
                form.load(row, of: cells, columnCount: 2, arena)
                return form.key
            }
        }
        for (left, right) in zip(keys, keys.dropFirst()) { #expect(left.lexicographicallyPrecedes(right)) }
    }
}
