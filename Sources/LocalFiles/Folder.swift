internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Folders of this machine.
package enum Folder {
    /// The one absolute name of what exists at a path, without symbolic links; nil where there is nothing.
    package static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Makes a folder, and those on the way to it, where they are missing.
    ///
    /// - Throws: `PipelineError` of kind `.cantCreate`, or `.ioError` on a full disk.
    package static func make(_ path: String, permissions: UInt32 = 0o777) throws {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw PipelineError(.cantCreate, "\(path) is a file, not a folder", hint: "Name another path.")
            }
            return
        }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try make(String(path[..<slash])) }
        guard mkdir(path, mode_t(permissions)) == 0 || errno == EEXIST else {
            throw SystemFailure.pipelineError(errno, creating: path)
        }
    }
}
