import Foundation
import PipelineCore
import SQLitePlugins

/// Databases to ask, filled by Python, and a state directory, in a folder of their own.
final class QueryTrial: Sendable {
    enum Value {
        case null
        case integer(Int64)
        case real(Double)
        case text([UInt8])
        case blob([UInt8])
    }

    let folder: String
    let state: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/sluice-query-\(UUID().uuidString)"
        state = folder + "/state"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    static func run(_ number: Int = 1) -> InputRun {
        InputRun(
            pipeline: "nightly", runID: "nightly-2026112\(number)T000000Z", startedAt: "2026-11-23T01:02:03.004Z")
    }

    func reader(
        _ query: String, file: String = "t.sqlite", state: String? = nil, busyTimeout: Duration = .seconds(5)
    ) -> SQLiteUserReader {
        SQLiteUserReader(
            path: PathOption(written: file, resolved: path(file)), query: query, busyTimeout: busyTimeout,
            stateDirectory: state.map(path) ?? self.state)
    }

    /// Makes a database with a table `t` of one column.
    func fill(_ name: String, _ column: String, _ values: [Value], encoding: String = "UTF-8") throws {
        let script = """
            import sqlite3, sys
            connection = sqlite3.connect(sys.argv[1])
            connection.execute("PRAGMA encoding = '" + sys.argv[2] + "'")
            connection.execute("CREATE TABLE t (" + sys.argv[3] + ")")
            def value(line):
                kind, rest = line[0], line[1:].strip()
                if kind == "n": return None
                if kind == "i": return int(rest)
                if kind == "r": return float(rest)
                return bytes.fromhex(rest) if kind == "b" else bytes.fromhex(rest).decode()
            connection.executemany("INSERT INTO t VALUES (?)", [(value(line),) for line in open(sys.argv[4])])
            connection.commit()
            """
        let lines = values.map { value in
            switch value {
            case .null: "n"
            case .integer(let number): "i\(number)"
            case .real(let number): "r\(number)"
            case .text(let bytes): "t\(Self.hex(bytes))"
            case .blob(let bytes): "b\(Self.hex(bytes))"
            }
        }
        let list = path("\(name).values")
        try lines.map { $0 + "\n" }.joined().write(toFile: list, atomically: true, encoding: .utf8)
        _ = try SQLiteFile.run("python3", "-c", script, path(name), encoding, column, list)
        try FileManager.default.removeItem(atPath: list)
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Prepares a run and reads all.
    func records(_ reader: any UserReader, run: InputRun = QueryTrial.run()) async throws -> [InputRecord] {
        try await reader.prepare(for: run)
        let cursor = try await reader.open(at: .start)
        var all: [InputRecord] = []
        do {
            while true {
                let next = try await cursor.next(limit: 1000)
                if next.isEmpty { break }
                all += next
            }
        } catch {
            await cursor.close()
            throw error
        }
        await cursor.close()
        return all
    }

    /// What preparing or reading throws; nil where all is read.
    func refusal(_ reader: any UserReader) async -> PipelineError? {
        do {
            _ = try await records(reader)
            return nil
        } catch {
            return error as? PipelineError
        }
    }

    /// What is kept aside, and what was begun.
    func spools() -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: state)) ?? []).filter { $0.contains(".spool") }.sorted()
    }

    /// The records' bytes, nil for NULL.
    static func bytes(_ records: [InputRecord]) -> [[UInt8]?] {
        records.map { record in
            if case .fault(let fault) = record.content, fault.code == .missingField { return nil }
            return record.hashedBytes
        }
    }

    static func codes(_ records: [InputRecord]) -> [InputFault.Code] {
        records.compactMap { record in
            if case .fault(let fault) = record.content { fault.code } else { nil }
        }
    }

    static func precedes(_ one: [UInt8], _ other: [UInt8]) -> Bool { one.lexicographicallyPrecedes(other) }
}

/// The same numbers for the same seed, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
