#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// What a path leads to.
public enum PathEntry: Sendable {
    case nothing
    case file
    case folder
    case link
    case other

    /// Without following a link.
    ///
    /// - Throws: `PipelineError` where something other than a missing name keeps it from being looked at.
    public init(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            guard errno == ENOENT || errno == ENOTDIR else { throw FileFailure.error(errno, .examineEntry, path) }
            self = .nothing
            return
        }
        self =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            case S_IFLNK: .link
            default: .other
            }
    }
}
