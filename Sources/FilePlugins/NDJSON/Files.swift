internal import LocalFiles
internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// What a path leads to.
enum Entry {
    case nothing
    case file
    case folder
    case link
    case other

    /// Without following a link.
    ///
    /// - Throws: `PipelineError` where something other than a missing name keeps it from being looked at.
    init(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            guard errno == ENOENT || errno == ENOTDIR else { throw FileFailure.error(errno, "look at", path) }
            self = .nothing
            return
        }
        self =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            case S_IFLNK: .link
            default: .other
            }
    }
}

/// Names in folders: made, moved, removed, and made to last.
enum Files {
    /// Makes changes of names in a folder durable.
    static func sync(folder path: String) throws {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure.error(errno, "open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileFailure.error(errno, "write to the disk", path) }
    }

    /// The whole of a small file; nil where there is none.
    static func contents(of path: String) throws -> [UInt8]? {
        guard try Entry(path) != .nothing else { return nil }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw FileFailure.error(errno, "open", path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileFailure.error(errno, "examine", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw PipelineError(
                .configuration, "\(path) is no regular file",
                hint: "Restore the file that was there, or move this away.")
        }
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw FileFailure.error(errno, "read", path)
            }
            if count == 0 { return result }
            result.append(contentsOf: chunk[..<count])
        }
    }

    static func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o777) == 0 || errno == EEXIST else { throw FileFailure.error(errno, "make", path) }
    }

    /// Moves a name; what stands at the new one is replaced, if it isn't a folder with something in it.
    static func move(_ old: String, to new: String) throws {
        guard rename(old, new) == 0 else { throw FileFailure.error(errno, "rename", old) }
    }

    /// Exchanges two names at once, so that there is never nothing at either.
    ///
    /// - Returns: False where the system or the file system can't.
    static func exchange(_ first: String, _ second: String) throws -> Bool {
        #if canImport(Glibc)
        guard let renameat2 else { return false }
        let status = renameat2(AT_FDCWD, first, AT_FDCWD, second, renameExchange)
        #else
        let status = renamex_np(first, second, UInt32(RENAME_SWAP))
        #endif
        if status == 0 { return true }
        if [EINVAL, ENOSYS, ENOTSUP].contains(errno) { return false }
        throw FileFailure.error(errno, "exchange", second)
    }

    #if canImport(Glibc)
    /// RENAME_EXCHANGE of linux/fs.h.
    private static let renameExchange: UInt32 = 2

    private typealias Rename =
        @convention(c) (
            Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32
        ) -> Int32

    /// By its name: the headers show it to none but C with _GNU_SOURCE. Nil in front of glibc 2.28.
    private static let renameat2: Rename? = dlsym(nil, "renameat2").map { unsafeBitCast($0, to: Rename.self) }
    #endif

    /// The names in a folder, in byte order; none where there is no folder.
    static func names(in path: String) throws -> [String] {
        guard let folder = opendir(path) else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw FileFailure.error(errno, "list", path)
        }
        defer { closedir(folder) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(folder) else {
                // Half of the names would pass for all of them.
                if errno != 0 { throw FileFailure.error(errno, "list", path) }
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
    static func remove(_ path: String) throws {
        if try Entry(path) == .folder {
            for name in try names(in: path) { try remove("\(path)/\(name)") }
            guard rmdir(path) == 0 || errno == ENOENT else { throw FileFailure.error(errno, "remove", path) }
        } else {
            guard unlink(path) == 0 || errno == ENOENT else { throw FileFailure.error(errno, "remove", path) }
        }
    }

    static func target(ofLink path: String) -> String? {
        var bytes = [CChar](repeating: 0, count: 4096)
        let count = readlink(path, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    static func link(to target: String, at path: String) throws {
        guard symlink(target, path) == 0 else { throw FileFailure.error(errno, "make", path) }
    }
}

/// A small file's new content, written aside; it takes the file's place at once or not at all.
struct Replacement {
    private let path: String
    private let aside: OutputFile

    /// - Parameter aside: where it is written; beside the file, if nothing is said.
    init(of path: String, aside: String? = nil, with bytes: [UInt8]) throws {
        self.path = path
        self.aside = try OutputFile(aside ?? path + ".new", .fresh)
        do { try self.aside.write(bytes, at: 0) } catch {
            discard()
            throw error
        }
    }

    /// Makes the content durable, before the name points to it.
    func sync() throws {
        do { try aside.sync() } catch {
            discard()
            throw error
        }
    }

    /// Takes the file's place. It lasts once the folder is synced.
    func replace() throws {
        aside.close()
        try Files.move(aside.path, to: path)
    }

    /// Makes the file, unless somebody has made it before.
    ///
    /// - Returns: False where it was there already.
    func create() throws -> Bool {
        defer { discard() }
        if link(aside.path, path) == 0 { return true }
        if errno == EEXIST { return false }
        throw FileFailure.error(errno, "make", path)
    }

    func discard() {
        aside.close()
        unlink(aside.path)
    }
}

extension Replacement {
    /// The whole of it, in the order that survives a crash.
    static func write(_ bytes: [UInt8], to path: String, in folder: String) throws {
        let replacement = try Replacement(of: path, with: bytes)
        try replacement.sync()
        try replacement.replace()
        try Files.sync(folder: folder)
    }
}
