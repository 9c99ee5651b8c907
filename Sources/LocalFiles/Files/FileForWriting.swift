public import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Opens files for writing in folders where others may have put something in a file's place.
///
/// No link is followed, nothing but a regular file with one name is opened, and it must belong to this user, to root, or to
/// the owner of its folder, who could replace it anyway. Nothing in a file changes by its being opened.
public enum FileForWriting {
    /// Why a file isn't opened.
    public enum Failure: Error {
        /// An `errno`.
        case system(Int32)
        /// It isn't this program's to write into: a clause that follows its path, such as "is a symbolic link".
        case refused(String)

        /// What it means to a run.
        public func pipelineError(_ path: String) -> PipelineError {
            switch self {
            case .system(let number): SystemFailure.pipelineError(number, creating: path)
            case .refused(let clause):
                PipelineError(
                    .cantCreate, "\(path) \(clause), and isn't written to",
                    hint: "Find out who put it there, move it away and run again; or name another path.")
            }
        }
    }

    /// Opens a file for reading and writing.
    ///
    /// - Parameter permissions: of the file where it has to be made; nil where it must exist.
    public static func open(_ path: String, creating permissions: UInt32? = nil) throws(Failure) -> Int32 {
        while true {
            var flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
            // Looked at first: to open a pipe or a device may already do something to it.
            if try !check(path) {
                guard permissions != nil else { throw .system(ENOENT) }
                flags |= O_CREAT | O_EXCL
            }
            let file = systemOpen(path, flags, mode_t(permissions ?? 0))
            guard file >= 0 else {
                let number = errno
                // It came or went between the two calls.
                if number == EEXIST || number == ELOOP || number == ENOENT && flags & O_CREAT == 0 { continue }
                if number == EINTR { continue }
                throw .system(number)
            }
            var status = stat()
            guard fstat(file, &status) == 0 else {
                let number = errno
                close(file)
                throw .system(number)
            }
            if let clause = objection(to: status, at: path) {
                close(file)
                throw .refused(clause)
            }
            return file
        }
    }

    /// Makes a file. What stood at its path loses that name; nothing is written into it, wherever else it has one.
    public static func create(_ path: String, permissions: UInt32) throws(Failure) -> Int32 {
        while true {
            if unlink(path) != 0, errno != ENOENT {
                let number = errno
                var status = stat()
                if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { throw .refused("is a folder") }
                throw .system(number)
            }
            let flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
            let file = systemOpen(path, flags, mode_t(permissions))
            if file >= 0 { return file }
            let number = errno
            if number != EEXIST, number != EINTR { throw .system(number) }
        }
    }

    /// Looks at what stands at a path, as `open` does.
    ///
    /// - Returns: False where there is nothing.
    public static func check(_ path: String) throws(Failure) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return false }
            throw .system(errno)
        }
        if let clause = objection(to: status, at: path) { throw .refused(clause) }
        return true
    }

    /// Why a file isn't to be written into; nil where it may be.
    private static func objection(to status: stat, at path: String) -> String? {
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFLNK: return "is a symbolic link"
        case S_IFDIR: return "is a folder"
        default: return "is no regular file"
        }
        if status.st_nlink > 1 { return "has \(status.st_nlink) names (hard links)" }
        return isTrusted(status.st_uid, in: Folder.of(path)) ? nil : "belongs to another user (\(status.st_uid))"
    }

    /// Whether a file of this user, in that folder, is one to write into.
    public static func isTrusted(_ owner: UInt32, in folder: String) -> Bool {
        if owner == geteuid() || owner == 0 { return true }
        var status = stat()
        return stat(folder, &status) == 0 && status.st_uid == owner
    }
}

/// The system's call, whose name the type's own function hides.
private func systemOpen(_ path: String, _ flags: Int32, _ permissions: mode_t) -> Int32 {
    open(path, flags, permissions)
}
