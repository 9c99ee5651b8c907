import FilePlugins
import PipelineCore

/// Makes a reader as a configuration would, defaults filled in as its schema says.
func makeReader(
    _ path: String, format: String? = nil, column: [String]? = nil, header: Bool? = nil, separator: String? = nil,
    distinct: Bool = false
) throws -> FileUserReader {
    var options: [String: OptionValue] = [
        "path": .path(PathOption(written: path, resolved: path)), "distinct": .boolean(distinct),
    ]
    if let header { options["header"] = .boolean(header) }
    if let separator { options["separator"] = .text(separator) }
    if let format { options["format"] = .text(format) }
    if let column { options["column"] = .fieldPath(column) }
    return try FileUserReader.make(
        Options(options),
        PluginContext(
            pipeline: "test", name: "file", stateDirectory: "/nonexistent", environment: [:], version: "0",
            warn: { _ in }))
}

/// What reading gave, and the error that ended it.
struct Reading {
    var records: [InputRecord] = []
    var error: PipelineError?

    /// Reads to the end, or to an error.
    init(_ reader: FileUserReader, from position: Position = .start, limit: Int = 1000) async throws {
        let cursor: any UserCursor
        do { cursor = try await reader.open(at: position) } catch let error as PipelineError {
            self.error = error
            return
        }
        do {
            while case let next = try await cursor.next(limit: limit), !next.isEmpty { records += next }
        } catch let error as PipelineError { self.error = error }
        await cursor.close()
    }

    /// Short forms: an ID as it is, a fault as its code in angle brackets.
    var contents: [String] {
        records.map {
            switch $0.content {
            case .userID(let id): id
            case .fault(let fault): "<\(fault.code.rawValue)>"
            }
        }
    }
    var lines: [Int] { records.map(\.line) }
    var faults: [InputFault] {
        records.compactMap { if case .fault(let fault) = $0.content { fault } else { nil } }
    }
}

/// Python's and this file's random numbers: SplitMix64, so that a printed seed repeats a case.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
