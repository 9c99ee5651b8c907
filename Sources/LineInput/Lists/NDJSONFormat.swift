internal import PipelineCore

/// One JSON document on each line, with the user ID at a path of member names.
///
/// The ID is a string, or an integer, whose digits count as they stand. Lines of nothing but white space are no records.
struct NDJSONFormat: RecordFormat {
    /// Names from the outside in.
    let path: [String]
    private var cutter = LineCutter(longest: Self.longestLine)
    var line: UInt64 { cutter.line }

    /// A line's bound in bytes: what is held in memory at once.
    static let longestLine = 1 << 20

    init(path: [String]) { self.path = path }

    mutating func begin(_ input: InputWindow, at position: Position) throws {
        try cutter.begin(input, at: position)
    }

    mutating func next(_ input: InputWindow) throws -> InputRecord? {
        let path = path
        return try cutter.nextRecord(input) { Self.judge($0.text, $0.number, path) }
    }

    private static func judge(
        _ text: UnsafeRawBufferPointer, _ number: Int, _ path: [String]
    ) -> InputRecord.Content? {
        func fault(_ code: InputFault.Code, _ problem: String) -> InputRecord.Content {
            .fault(InputFault(code, line: number, problem, raw: text))
        }
        if text.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return nil }
        if text.count > longestLine { return fault(.invalidUserID, "the line is longer than \(longestLine) bytes") }
        let tape: JSONTape
        do { tape = try JSONTape(decoding: Array(text)) } catch {
            let isText = String(validating: text.bindMemory(to: UInt8.self), as: UTF8.self) != nil
            return fault(isText ? .invalidJSON : .invalidEncoding, "\(error)")
        }
        var node = tape.root
        for name in path {
            guard let member = node[name] else { return fault(.missingField, "there is no \(subject(path))") }
            node = member
        }
        switch node.kind {
        case .string:
            return (node.textBytes ?? []).withUnsafeBytes {
                userID($0, subject: subject(path), line: number, raw: text)
            }
        case .number where node.integer != nil:
            return Array(node.numberText.utf8).withUnsafeBytes {
                userID($0, subject: subject(path), line: number, raw: text)
            }
        case .null: return fault(.missingField, "\(subject(path)) is null")
        case .number: return fault(.invalidUserID, "\(subject(path)) is a number, but no 64-bit integer")
        case .true, .false: return fault(.invalidUserID, "\(subject(path)) is a truth value, not a text")
        case .array: return fault(.invalidUserID, "\(subject(path)) is a list, not a text")
        case .object: return fault(.invalidUserID, "\(subject(path)) is a map, not a text")
        }
    }

    private static func subject(_ path: [String]) -> String { "'\(path.joined(separator: "."))'" }
}
