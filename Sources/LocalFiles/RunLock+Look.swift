internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

extension RunLock {
    /// Whether a process holds the lock at this moment.
    ///
    /// - Returns: Nil where that can't be told.
    package static func isHeld(path: String) -> Bool? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return errno == ENOENT ? false : nil }
        defer { close(file) }
        return flock(file, LOCK_SH | LOCK_NB) != 0
    }
}
