internal import PipelineCore

/// How a file is cut into records.
protocol RecordFormat {
    /// Lines completely in front of the next record.
    var line: UInt64 { get }
    /// Reads what stands in front of the first record (a byte order mark, a header) and goes to a position.
    mutating func begin(_ input: InputWindow, at position: Position) throws
    /// The next record; nil at the end of input.
    ///
    /// - Throws: `InputDamage`; the partial record in front of it is given up.
    mutating func next(_ input: InputWindow) throws -> InputRecord?
}

/// A longer user ID is faulty: the service knows none, and memory has to end somewhere.
let longestUserID = InputFault.rawLimit

/// Judges the bytes of an ID; they aren't trimmed.
///
/// - Parameters:
///   - subject: the words for a message: `the line`, `column 'user_id'`.
///   - raw: the bytes that a fault keeps.
func userID(
    _ bytes: UnsafeRawBufferPointer, subject: @autoclosure () -> String, line: Int, raw: UnsafeRawBufferPointer
) -> InputRecord.Content {
    func fault(_ code: InputFault.Code, _ problem: String) -> InputRecord.Content {
        .fault(InputFault(code: code, message: "line \(line): \(problem)", raw: Array(raw.prefix(InputFault.rawLimit))))
    }
    if bytes.isEmpty { return fault(.emptyUserID, "\(subject()) holds no user ID") }
    if bytes.count > longestUserID {
        return fault(.invalidUserID, "the user ID is longer than \(longestUserID) bytes")
    }
    let dot = UInt8(ascii: ".")
    if bytes.count <= 2, bytes.allSatisfy({ $0 == dot }) {
        return fault(.invalidUserID, "the user ID is '\(bytes.count == 1 ? "." : "..")', which can't be asked for")
    }
    guard let id = String(validating: bytes.bindMemory(to: UInt8.self), as: UTF8.self) else {
        return fault(.invalidEncoding, "the user ID is not valid UTF-8")
    }
    return .userID(id)
}
