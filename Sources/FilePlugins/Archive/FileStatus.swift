internal import Glibc

/// What the system says of a path, symbolic links followed.
struct FileStatus: Sendable, Equatable {
    enum Kind: Sendable {
        case file
        case folder
        case other
    }

    /// A file or folder, whatever name leads to it.
    struct Identity: Sendable, Hashable {
        var device: UInt64
        var inode: UInt64
    }

    var kind: Kind
    var identity: Identity
    /// Bytes.
    var size: UInt64
    /// When it was last changed, in nanoseconds since 1970.
    var modified: Int64

    /// Why there is no status: an `errno`.
    struct Failure: Error {
        var number: Int32
    }

    static func of(_ path: String) throws(Failure) -> FileStatus {
        var status = stat()
        guard stat(path, &status) == 0 else { throw Failure(number: errno) }
        let kind: Kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            default: .other
            }
        return FileStatus(
            kind: kind, identity: Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)),
            size: UInt64(max(0, status.st_size)),
            modified: Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec))
    }

    /// True where the system refuses to open a file for reading.
    static func isForbidden(_ path: String) -> Bool { access(path, R_OK) != 0 && (errno == EACCES || errno == EPERM) }

    /// True where something stands at a path, even a symbolic link to nothing.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// The names in a folder in byte order, `.` and `..` aside; nil for one that is no valid UTF-8.
    static func names(inFolder path: String) throws(Failure) -> [String?] {
        guard let folder = opendir(path) else { throw Failure(number: errno) }
        defer { closedir(folder) }
        var names: [String?] = []
        while true {
            errno = 0
            guard let entry = readdir(folder) else {
                if errno != 0 { throw Failure(number: errno) }
                break
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted { ($0 ?? "").utf8.lexicographicallyPrecedes(($1 ?? "").utf8) }
    }
}
