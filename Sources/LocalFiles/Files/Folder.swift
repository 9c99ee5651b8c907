internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Folders of this machine.
public enum Folder {
    /// The one absolute name of what exists at a path, without symbolic links; nil where there is nothing.
    public static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The same, where nothing but a missing name counts as nothing.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where the path can't be followed, for want of permission or in a circle.
    public static func existing(_ path: String) throws -> String? {
        guard let resolved = realpath(path, nil) else {
            let number = errno
            if number == ENOENT || number == ENOTDIR { return nil }
            throw unreachable(path, number)
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func unreachable(_ path: String, _ number: Int32) -> PipelineError {
        PipelineError(
            .noInput, "\(path) can't be looked at: \(SystemFailure.text(number))",
            hint: "Check the links and folders on the way to it, and who may enter them.")
    }

    /// The folder that holds a path's last name.
    public static func of(_ path: String) -> String {
        var name = path[...]
        while name.count > 1, name.hasSuffix("/") { name.removeLast() }
        guard let slash = name.lastIndex(of: "/") else { return "." }
        return slash == name.startIndex ? "/" : String(name[..<slash])
    }

    /// Makes a folder, and those on the way to it, where they are missing.
    ///
    /// - Throws: `PipelineError` of kind `.cantCreate`, or `.ioError` on a full disk.
    public static func make(_ path: String, permissions: UInt32 = 0o777) throws {
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
