public import PipelineCore

/// How a list of user IDs is cut into records.
public protocol RecordFormat {
    /// Lines completely before the next record.
    var line: UInt64 { get }
    /// Reads what stands before the first record (a byte order mark, a header) and goes to a position.
    mutating func begin(_ input: InputWindow, at position: Position) throws
    /// The next record; nil at the end of input.
    ///
    /// - Throws: `InputDamage`; the partial record before it is given up.
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
    if bytes.isEmpty { return inputFault(.emptyUserID, line: line, "\(subject()) holds no user ID", raw: raw) }
    if bytes.count > longestUserID {
        return inputFault(
            .invalidUserID, line: line, "\(subject()) holds a user ID of more than \(longestUserID) bytes", raw: raw)
    }
    guard let id = String(validating: bytes.bindMemory(to: UInt8.self), as: UTF8.self) else {
        return inputFault(
            .invalidEncoding, line: line, "\(subject()) holds a user ID that is not valid UTF-8", raw: raw)
    }
    return .userID(id)
}

/// Judges the bytes of an ID that nothing encloses. A mark within it says that two files were joined there and the last line
/// of the first one had no end: that is two IDs, or part of one that nobody meant.
func joinedUserID(
    _ bytes: UnsafeRawBufferPointer, subject: @autoclosure () -> String, line: Int, raw: UnsafeRawBufferPointer
) -> InputRecord.Content {
    guard !InputWindow.holdsJoint(bytes) else {
        return inputFault(
            .invalidUserID, line: line,
            "\(subject()) holds a byte order mark or 0x1A in the middle of a user ID, as where files are joined without a "
                + "line break between them", raw: raw)
    }
    return userID(bytes, subject: subject(), line: line, raw: raw)
}

/// A fault of the record that begins on a line.
func inputFault(
    _ code: InputFault.Code, line: Int, _ problem: String, raw: UnsafeRawBufferPointer
) -> InputRecord.Content {
    .fault(
        InputFault(code: code, message: "line \(line): \(problem)", raw: Array(raw.prefix(InputFault.rawLimit))))
}
