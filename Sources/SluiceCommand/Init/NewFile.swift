internal import Glibc
internal import LocalFiles
internal import PipelineCore

/// A file where there was none.
enum NewFile {
    /// Writes a file without a name and names it once it is whole, so that a process that is killed leaves nothing; where the
    /// file system has no such files, under its name at once.
    ///
    /// - Throws: `PipelineError` of kind `.cantCreate`, or `.ioError` on a full disk; then there is none.
    static func write(_ text: String, to path: String) throws {
        var file = open(Folder.of(path), O_WRONLY | nameless | O_CLOEXEC, 0o666)
        let isNamed = file < 0
        // Nothing that is there is opened, not even by way of a link.
        if isNamed { file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
        guard file >= 0 else { throw failure(errno, path) }
        defer { close(file) }
        guard Terminal.write(text, to: file), fsync(file) == 0 else {
            let number = errno
            if isNamed { unlink(path) }
            throw failure(number, path)
        }
        // Names nothing anew that is there, links included.
        guard isNamed || linkat(AT_FDCWD, "/proc/self/fd/\(file)", AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 else {
            throw failure(errno, path)
        }
    }

    /// `O_TMPFILE`, which isn't imported.
    private static let nameless = 0o20_000_000 | O_DIRECTORY

    private static func failure(_ number: Int32, _ path: String) -> PipelineError {
        number == EEXIST ? isThere(path) : SystemFailure.pipelineError(number, creating: path)
    }

    static func isThere(_ path: String) -> PipelineError {
        PipelineError(
            .cantCreate, "\(path) is there already, and nothing is written over",
            hint: "Name another file, 'sluice init … FILE', or move that one away.")
    }
}
