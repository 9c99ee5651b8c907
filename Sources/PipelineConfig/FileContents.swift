#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// Small files, read whole.
enum FileContents {
    struct ReadError: Error {
        /// As the system says it.
        var reason: String
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// All bytes of a file, or one more than `limit` of them, so that a caller can tell.
    ///
    /// What may never end, or never begin, isn't read: a FIFO or a device. A pipe that the process was handed by its
    /// number, as a shell's `<(…)` does, is one that somebody writes into.
    static func read(_ path: String, limit: Int) throws(ReadError) -> [UInt8] {
        let isHandedOver = ["/dev/stdin", "/dev/fd/", "/proc/self/fd/"].contains { path.hasPrefix($0) }
        // A FIFO without a writer would be waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | (isHandedOver ? 0 : O_NONBLOCK))
        guard descriptor >= 0 else { throw ReadError(reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw ReadError(reason: String(cString: strerror(errno))) }
        switch status.st_mode & S_IFMT {
        case S_IFREG, S_IFDIR: break  // What a folder is, `read` says.
        case S_IFIFO where isHandedOver: break
        case S_IFIFO: throw ReadError(reason: "it is a FIFO, not a regular file")
        case S_IFCHR, S_IFBLK: throw ReadError(reason: "it is a device, not a regular file")
        default: throw ReadError(reason: "it isn't a regular file")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while bytes.count <= limit {
            let count = chunk.withUnsafeMutableBytes { Self.read(descriptor, into: $0) }
            guard count >= 0 else { throw ReadError(reason: String(cString: strerror(errno))) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<min(count, limit + 1 - bytes.count)])
        }
        return bytes
    }

    private static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        while true {
            #if canImport(Glibc)
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            #elseif canImport(Musl)
            let count = Musl.read(descriptor, buffer.baseAddress, buffer.count)
            #else
            let count = Darwin.read(descriptor, buffer.baseAddress, buffer.count)
            #endif
            if count >= 0 || errno != EINTR { return count }
        }
    }

    /// The absolute folder of a file; empty only where the working folder is gone.
    static func folder(of path: String) -> String {
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) }
        if path.hasPrefix("/") { return parent.flatMap { $0.isEmpty ? nil : $0 } ?? "/" }
        let current = currentFolder()
        guard let parent else { return current }
        return join(current, parent)
    }

    /// A path as it is opened: relative ones begin at `folder`. `..` stays, because a link may come before it.
    static func resolve(_ path: String, in folder: String) -> String {
        path.hasPrefix("/") ? path : join(folder, path)
    }

    private static func join(_ folder: String, _ path: String) -> String {
        var rest = Substring(path)
        while rest.hasPrefix("./") { rest = rest.dropFirst(2).drop { $0 == "/" } }
        if rest.isEmpty || rest == "." { return folder }
        return folder.hasSuffix("/") ? folder + rest : "\(folder)/\(rest)"
    }

    private static func currentFolder() -> String {
        guard let pointer = getcwd(nil, 0) else { return "" }
        defer { free(pointer) }
        return String(cString: pointer)
    }
}
