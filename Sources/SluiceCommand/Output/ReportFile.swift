internal import Foundation
internal import Glibc
internal import PipelineCore

/// A file that holds the last run's summary, for whoever looks at it at any time: it is there as a whole, or not at all.
struct ReportFile {
    /// Absolute.
    let path: String

    /// Puts a line in the place of what is there, durably; folders on the way are made where they are missing.
    ///
    /// - Throws: `PipelineError` of kind `.cantCreate`, or `.ioError` on a full disk.
    func write(_ line: String) throws {
        let url = URL(fileURLWithPath: path)
        try? FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        let aside = "\(path).\(getpid()).new"
        let file = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw failure(errno) }
        let isWritten = Terminal.write(line + "\n", to: file) && fsync(file) == 0
        let reason = errno
        close(file)
        guard isWritten, rename(aside, path) == 0 else {
            let reason = isWritten ? errno : reason
            unlink(aside)
            throw failure(reason)
        }
    }

    private func failure(_ number: Int32) -> PipelineError {
        PipelineError(
            number == ENOSPC || number == EDQUOT || number == EIO ? .ioError : .cantCreate,
            "the report can't be written to \(path): \(String(cString: strerror(number)))",
            hint: "The run itself isn't touched by that. Check report.json in the pipeline's file, and its folder.")
    }
}
