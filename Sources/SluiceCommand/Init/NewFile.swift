internal import Glibc
internal import LocalFiles
internal import PipelineCore

/// A file where there was none.
enum NewFile {
    /// - Throws: `PipelineError` of kind `.cantCreate`, or `.ioError` on a full disk; then there is none.
    static func write(_ text: String, to path: String) throws {
        // Nothing that is there is opened, not even by way of a link.
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard file >= 0 else {
            if errno == EEXIST { throw isThere(path) }
            throw SystemFailure.pipelineError(errno, creating: path)
        }
        let isWritten = Terminal.write(text, to: file) && fsync(file) == 0
        let number = errno
        close(file)
        guard isWritten else {
            unlink(path)
            throw SystemFailure.pipelineError(number, creating: path)
        }
    }

    static func isThere(_ path: String) -> PipelineError {
        PipelineError(
            .cantCreate, "\(path) is there already, and nothing is written over",
            hint: "Name another file, 'sluice init … FILE', or move that one away.")
    }
}
