internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Names in folders: made, moved, removed, and made to last.
///
/// Errors are `PipelineError`s as `FileFailure.error` makes them.
public enum Files {
    /// Makes changes of names in a folder durable.
    public static func sync(folder path: String) throws {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure.error(errno, .open, path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileFailure.error(errno, .sync, path) }
    }

    /// The whole of a small file; nil where there is none.
    ///
    /// - Throws: `PipelineError`: `.configuration` where something else than a regular file is there; what
    ///   `FileFailure.error` makes of a call that fails.
    public static func contents(of path: String) throws -> [UInt8]? {
        guard try PathEntry(path) != .nothing else { return nil }
        let file: FileForReading
        do { file = try FileForReading(path) } catch {
            switch error {
            case .system(ENOENT): return nil
            case .system(let number): throw FileFailure.error(number, .open, path)
            case .folder, .notRegular:
                throw PipelineError(
                    .configuration, "\(path) is no regular file",
                    hint: "Restore the file that was there, or move this away.")
            }
        }
        var result: [UInt8] = []
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { room.deallocate() }
        while true {
            let count: Int
            do { count = try file.read(into: room) } catch { throw FileFailure.error(error.number, .read, path) }
            if count == 0 { return result }
            result.append(contentsOf: room[..<count])
        }
    }

    /// Makes a folder in one that exists; one that is there already is fine.
    public static func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o777) == 0 || errno == EEXIST else { throw FileFailure.error(errno, .make, path) }
    }

    /// Moves a name; what stands at the new one is replaced, if it isn't a folder with something in it.
    public static func move(_ old: String, to new: String) throws {
        guard rename(old, new) == 0 else { throw FileFailure.error(errno, .rename, old) }
    }

    /// Exchanges two names at once, so that there is never nothing at either.
    ///
    /// - Returns: False where the system or the file system can't.
    public static func exchange(_ first: String, _ second: String) throws -> Bool {
        #if canImport(Glibc)
        guard let renameat2 else { return false }
        let status = renameat2(AT_FDCWD, first, AT_FDCWD, second, renameExchange)
        #else
        let status = renamex_np(first, second, UInt32(RENAME_SWAP))
        #endif
        if status == 0 { return true }
        if [EINVAL, ENOSYS, ENOTSUP].contains(errno) { return false }
        throw FileFailure.error(errno, .exchange, second)
    }

    #if canImport(Glibc)
    /// RENAME_EXCHANGE of linux/fs.h.
    private static let renameExchange: UInt32 = 2

    private typealias Rename =
        @convention(c) (
            Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32
        ) -> Int32

    /// By its name: the headers show it to none but C with _GNU_SOURCE. Nil before glibc 2.28.
    private static let renameat2: Rename? = dlsym(nil, "renameat2").map { unsafeBitCast($0, to: Rename.self) }
    #endif

    /// The names in a folder, in byte order; none where there is no folder.
    public static func names(in path: String) throws -> [String] {
        guard let folder = opendir(path) else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw FileFailure.error(errno, .list, path)
        }
        defer { closedir(folder) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(folder) else {
                // Half of the names would pass for all of them.
                if errno != 0 { throw FileFailure.error(errno, .list, path) }
                break
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }

    /// Removes a file, or a folder with all that is in it; follows no links. What isn't there needs no removal.
    public static func remove(_ path: String) throws {
        if try PathEntry(path) == .folder {
            for name in try names(in: path) { try remove("\(path)/\(name)") }
            guard rmdir(path) == 0 || errno == ENOENT else { throw FileFailure.error(errno, .remove, path) }
        } else {
            guard unlink(path) == 0 || errno == ENOENT else { throw FileFailure.error(errno, .remove, path) }
        }
    }

    /// Where a symbolic link leads, as it is written in the link; nil for what is no link.
    public static func target(ofLink path: String) -> String? {
        var bytes = [CChar](repeating: 0, count: 4096)
        let count = readlink(path, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    /// Makes a symbolic link.
    public static func link(to target: String, at path: String) throws {
        guard symlink(target, path) == 0 else { throw FileFailure.error(errno, .make, path) }
    }
}
