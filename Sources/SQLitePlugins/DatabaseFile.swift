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

    /// Makes the folders on the way.
    ///
    /// - Parameter path: absolute, else relative to the current folder.
    /// - Throws: `PipelineError` of kind `.cantCreate` where there can be no file.
    init(_ path: String) throws {
        if let resolved = Folder.resolved(path) {
            self.path = resolved
            var status = stat()
            if stat(resolved, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
                throw PipelineError(
                    .cantCreate, "\(path) is a folder, not a database file", hint: "Name a file in it.")
            }
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
    }
}
