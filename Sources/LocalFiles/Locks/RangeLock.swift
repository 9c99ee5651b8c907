#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Locks on bytes of an opened file that belong to the opening, not to the process (fcntl(2), "Open file description locks"):
/// they go with the last descriptor of that opening, and closing another one of the same file leaves them alone.
enum RangeLock {
    case shared
    case exclusive

    /// Takes the lock without waiting.
    ///
    /// - Returns: 0, or an `errno`: `EAGAIN` where another opening has one that excludes it.
    func take(_ file: Int32, at start: Int64, length: Int64) -> Int32 {
        var lock = description(start, length)
        while fcntl(file, Self.set, &lock) != 0 {
            switch errno {
            case EINTR: continue
            case EACCES: return EAGAIN
            default: return errno
            }
        }
        return 0
    }

    /// Whether another opening has a lock that would exclude this one; nil where the system doesn't say.
    func isExcluded(_ file: Int32, at start: Int64, length: Int64) -> Bool? {
        var lock = description(start, length)
        while fcntl(file, Self.get, &lock) != 0 {
            if errno != EINTR { return nil }
        }
        return lock.l_type != Int16(F_UNLCK)
    }

    private func description(_ start: Int64, _ length: Int64) -> flock {
        var lock = flock()
        lock.l_type = Int16(self == .shared ? F_RDLCK : F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = off_t(start)
        lock.l_len = off_t(length)
        // The call wants it so.
        lock.l_pid = 0
        return lock
    }

    // The headers show these to none but C with _GNU_SOURCE.
    #if canImport(Glibc)
    private static let get: Int32 = 36
    private static let set: Int32 = 37
    #else
    private static let get: Int32 = 92
    private static let set: Int32 = 90
    #endif
}
