internal import Glibc

/// Why reading can't go on. Whoever reads adds the file's name and the line.
public struct InputDamage: Error, Equatable {
    /// A clause that follows the file's name: "is cut off: …".
    public var message: String
    /// What to do next.
    public var hint: String

    public init(message: String, hint: String) {
        self.message = message
        self.hint = hint
    }

    /// The hint where the bytes are wrong.
    public static let repair = "Repair or replace the file and run again: the run resumes where it stopped."

    /// The input ends before a position that was yielded earlier: it changed between two runs.
    public static let tooShort = InputDamage(
        message: "ends before the place where the run stopped; it has changed since",
        hint: "Restore the file as it was, or start over with --fresh.")

    /// The input goes on in the middle of what was its last line.
    public static let writtenMeanwhile = InputDamage(
        message: "was written to while it was read, in the middle of its last line",
        hint: "Run again once the file is whole; if that line was taken for a whole one, with --fresh.")

    /// A system call failed.
    ///
    /// - Parameter code: its `errno`.
    public static func readFailed(_ code: Int32) -> InputDamage {
        InputDamage(
            message: "can't be read: \(String(cString: strerror(code)))",
            hint: "Mend the cause and run again: the run resumes.")
    }
}
