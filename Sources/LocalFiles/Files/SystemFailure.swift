public import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// The system's words for an `errno`.
public enum SystemFailure {
    public static func text(_ number: Int32) -> String { String(cString: strerror(number)) }

    /// What a failed call on a path means to a run.
    public static func pipelineError(_ number: Int32, creating path: String) -> PipelineError {
        let message = "cannot create \(path): \(text(number))"
        if number == ENOSPC || number == EDQUOT {
            return PipelineError(.ioError, message, hint: "The disk is full. Free some space there and run again.")
        }
        return PipelineError(
            .cantCreate, message, hint: "Check that its folder exists and may be written by the user who runs this.")
    }
}
