#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A file's new content, written aside; it takes the file's place at once or not at all.
///
/// The order that survives a crash: write, `sync`, `replace`, then sync the folder. What fails leaves the old content; the
/// file aside goes with `discard`, which `sync` and the writing initialiser call by themselves.
public struct Replacement {
    private let path: String
    /// The file aside, for whoever writes it piece by piece.
    public let file: WritableFile
    private let failing: FileFailure.Mapping

    /// Makes an empty file aside.
    ///
    /// - Parameters:
    ///   - aside: where it is written; beside the file, with `.new` behind its name, if nothing is said.
    ///   - permissions: of the new file, before the process's mask.
    ///   - failing: makes the errors of calls that fail.
    public init(
        of path: String, aside: String? = nil, permissions: UInt32 = 0o666,
        failing: @escaping FileFailure.Mapping = FileFailure.error
    ) throws {
        self.path = path
        self.failing = failing
        file = try WritableFile(aside ?? path + ".new", .fresh, permissions: permissions, failing: failing)
    }

    /// Makes a file aside with these bytes in it.
    public init(
        of path: String, aside: String? = nil, with bytes: [UInt8],
        failing: @escaping FileFailure.Mapping = FileFailure.error
    ) throws {
        try self.init(of: path, aside: aside, failing: failing)
        do { try file.write(bytes, at: 0) } catch {
            discard()
            throw error
        }
    }

    /// Makes the content durable, before the name points to it.
    public func sync() throws {
        do { try file.sync() } catch {
            discard()
            throw error
        }
    }

    /// Takes the file's place. It lasts once the folder is synced.
    public func replace() throws {
        file.close()
        guard rename(file.path, path) == 0 else { throw failing(errno, .rename, file.path) }
    }

    /// Makes the file, unless somebody has made it before.
    ///
    /// - Returns: False where it was there already.
    public func create() throws -> Bool {
        defer { discard() }
        if link(file.path, path) == 0 { return true }
        if errno == EEXIST { return false }
        throw failing(errno, .make, path)
    }

    /// Removes the file aside.
    public func discard() {
        file.close()
        unlink(file.path)
    }
}

extension Replacement {
    /// The whole of it, in the order that survives a crash.
    ///
    /// - Parameter folder: that of the file.
    public static func write(_ bytes: [UInt8], to path: String, in folder: String) throws {
        let replacement = try Replacement(of: path, with: bytes)
        try replacement.sync()
        try replacement.replace()
        try Files.sync(folder: folder)
    }
}
