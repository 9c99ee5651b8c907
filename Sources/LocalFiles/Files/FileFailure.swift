public import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// What a failed call on a file means to a run.
public enum FileFailure {
    /// What a call on a file or folder was to do, as the verb of its message.
    public enum Operation: String, Sendable {
        case open, examine, read, write, make, rename, exchange, list, remove
        case examineEntry = "look at"
        case sync = "write to the disk"
        case truncate = "cut back"
    }

    /// Makes an error of a call's `errno`.
    public typealias Mapping = @Sendable (_ number: Int32, _ operation: Operation, _ path: String) -> PipelineError

    /// The error of a store: the disk is full (`.ioError`), the file may not be written (`.cantCreate`), the disk fails
    /// (`.ioError`); with a hint how the run goes on.
    @Sendable
    public static func error(_ number: Int32, _ operation: Operation, _ path: String) -> PipelineError {
        let message = "cannot \(operation.rawValue) \(path): \(SystemFailure.text(number))"
        switch number {
        case ENOSPC, EDQUOT:
            return PipelineError(
                .ioError, message,
                hint: "The disk is full. Free some space there and run again: what was committed so far is safe, and "
                    + "the run goes on behind it.")
        case EFBIG:
            return PipelineError(
                .ioError, message, hint: "A file may not be that large there: lower max_file_size, or raise the limit.")
        case EACCES, EPERM, EROFS:
            return PipelineError(
                .cantCreate, message,
                hint: "Check that the file and its folder may be written by the user who runs this.")
        case ENOENT:
            return PipelineError(
                .ioError, message,
                hint: "It was moved or deleted. Restore it and run again, or run with --fresh to begin again.")
        default:
            return PipelineError(
                .ioError, message,
                hint: "Check the disk and its mount, then run again: the run goes on behind its last commit.")
        }
    }
}
