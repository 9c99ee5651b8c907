internal import PipelineCore

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
        .fault(InputFault(code, line: line, problem, raw: raw))
    }
    if bytes.isEmpty { return fault(.emptyUserID, "\(subject()) holds no user ID") }
    if bytes.count > longestUserID {
        return fault(.invalidUserID, "\(subject()) holds a user ID of more than \(longestUserID) bytes")
    }
    guard let id = String(validating: bytes.bindMemory(to: UInt8.self), as: UTF8.self) else {
        return fault(.invalidEncoding, "\(subject()) holds a user ID that is not valid UTF-8")
    }
    return .userID(id)
}

/// Judges the bytes of an ID that nothing encloses. A mark within it says that two files were joined there and the last line
/// of the first one had no end: that is two IDs, or part of one that nobody meant.
func joinedUserID(
    _ bytes: UnsafeRawBufferPointer, subject: @autoclosure () -> String, line: Int, raw: UnsafeRawBufferPointer
) -> InputRecord.Content {
    guard !InputWindow.holdsJoint(bytes) else {
        return .fault(
            InputFault(
                .invalidUserID, line: line,
                "\(subject()) holds a byte order mark or 0x1A in the middle of a user ID, as where files are joined "
                    + "without a line break between them", raw: raw))
    }
    return userID(bytes, subject: subject(), line: line, raw: raw)
}
