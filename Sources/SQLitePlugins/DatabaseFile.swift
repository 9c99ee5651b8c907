internal import LocalFiles
internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// The file of a database, by the one name that all processes use for it.
struct DatabaseFile {
    /// Absolute, without symbolic links: two names of one file must take one lock.
    let path: String

    /// What SQLite keeps beside a database: the endings of its names.
    static let companions = ["-wal", "-shm", "-journal"]

    /// The database with what is kept beside it, for a host that compares places.
    static func files(_ path: String) -> InputFiles {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        let names = [name] + companions.map { name + $0 }
        return InputFiles(base: Folder.of(path)) { path, _ in
            names.contains { path == $0 || path.hasPrefix($0 + "/") }
        }
    }

    /// Makes the folders on the way.
    ///
    /// - Parameter path: absolute, else relative to the current folder.
    /// - Throws: `PipelineError` of kind `.cantCreate` where there can be no file.
    init(_ path: String) throws {
        if let resolved = try Folder.existing(path) {
            self.path = resolved
            var status = stat()
            guard stat(resolved, &status) == 0 else { throw SystemFailure.pipelineError(errno, creating: path) }
            if status.st_mode & S_IFMT == S_IFDIR {
                throw PipelineError(
                    .cantCreate, "\(path) is a folder, not a database file", hint: "Name a file in it.")
            }
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw PipelineError(
                    .cantCreate, "\(path) is no regular file, so it can't be a database", hint: "Name another path.")
            }
            try checkWhatOthersPutThere(path)
            return
        }
        let path = path.contains("/") ? path : "./\(path)"
        guard let slash = path.lastIndex(of: "/"), path[slash...].count > 1 else {
            throw PipelineError(.cantCreate, "'\(path)' doesn't name a file", hint: "Name a database file.")
        }
        let folder = slash == path.startIndex ? "/" : String(path[..<slash])
        try Folder.make(folder)
        guard let resolvedFolder = Folder.resolved(folder) else {
            throw SystemFailure.pipelineError(errno, creating: path)
        }
        self.path = (resolvedFolder == "/" ? "" : resolvedFolder) + path[slash...]
        // There is nothing, but a link to nothing may be there: SQLite would make a file where it leads.
        try Self.check(self.path)
        try checkWhatOthersPutThere(path)
    }

    /// SQLite writes into these without a look at whose they are. A link to a database is its user's own, as is the database,
    /// except where others may write into the folder.
    private func checkWhatOthersPutThere(_ written: String) throws {
        for suffix in Self.companions { try Self.check(path + suffix) }
        var link = stat()
        if lstat(written, &link) == 0, link.st_mode & S_IFMT == S_IFLNK,
            !FileForWriting.isTrusted(link.st_uid, in: Folder.of(written))
        {
            throw FileForWriting.Failure.refused("is another user's symbolic link").pipelineError(written)
        }
        var folder = stat()
        guard stat(Folder.of(path), &folder) == 0 else { throw SystemFailure.pipelineError(errno, creating: path) }
        if folder.st_mode & (S_IWGRP | S_IWOTH) != 0 { try Self.check(path) }
    }

    private static func check(_ path: String) throws {
        do { _ = try FileForWriting.check(path) } catch { throw error.pipelineError(path) }
    }
}
