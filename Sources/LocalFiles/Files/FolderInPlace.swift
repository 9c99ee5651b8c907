#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A folder that is held open, so that it is noticed when the path no longer leads to it.
public final class FolderInPlace {
    private let path: String
    private let descriptor: Int32

    /// - Throws: `PipelineError` where the folder can't be opened.
    public init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure.error(errno, .open, path) }
    }

    deinit { _ = close(descriptor) }

    /// Whether the path still leads to this folder.
    public var isInPlace: Bool { isSame(descriptor, path) }
}

/// Whether a path leads to what is open.
func isSame(_ descriptor: Int32, _ path: String) -> Bool {
    var held = stat()
    var named = stat()
    return fstat(descriptor, &held) == 0 && stat(path, &named) == 0
        && held.st_ino == named.st_ino && held.st_dev == named.st_dev
}
