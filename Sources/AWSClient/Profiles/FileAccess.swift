internal import Glibc

/// How files are read: the system's, or a test's own.
public struct FileAccess: Sendable {
    /// Why a file can't be read.
    public enum Failure: Error, Sendable, Hashable {
        case missing
        /// The system's words.
        case unreadable(String)
    }

    private let source: @Sendable (String) throws(Failure) -> [UInt8]
    private let writer: @Sendable (String, [UInt8]) throws(Failure) -> Void

    /// - Parameters:
    ///   - replace: writes a file anew; without it nothing can be written.
    public init(
        replace: @escaping @Sendable (_ path: String, _ content: [UInt8]) throws(Failure) -> Void = {
            _, _ throws(Failure) in throw .unreadable("nothing can be written here")
        },
        _ source: @escaping @Sendable (_ path: String) throws(Failure) -> [UInt8]
    ) {
        self.source = source
        writer = replace
    }

    public func bytes(_ path: String) throws(Failure) -> [UInt8] { try source(path) }

    /// As text; what isn't UTF-8 becomes U+FFFD.
    public func text(_ path: String) throws(Failure) -> String { String(decoding: try source(path), as: UTF8.self) }

    /// Puts a file in the place of another, as one step, readable to its owner alone.
    public func replace(_ path: String, with content: [UInt8]) throws(Failure) { try writer(path, content) }

    /// Files of up to 4 MiB.
    public static let system = FileAccess(
        replace: { path, content throws(Failure) in try write(path, content) },
        { path throws(Failure) in try read(path) })

    private static func write(_ path: String, _ content: [UInt8]) throws(Failure) {
        func failure() -> Failure { .unreadable(String(cString: strerror(errno))) }
        let temporary = "\(path).\(UInt32.random(in: 0...UInt32.max)).tmp"
        // Nobody else's file is opened, nor a link that leads to one.
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure() }
        var isDone = false
        defer { if !isDone { unlink(temporary) } }
        try write(content, to: descriptor)
        guard rename(temporary, path) == 0 else { throw failure() }
        isDone = true
    }

    /// Writes all of it to the disk, and closes the descriptor.
    private static func write(_ content: [UInt8], to descriptor: CInt) throws(Failure) {
        defer { close(descriptor) }
        var rest = content[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .unreadable(String(cString: strerror(errno))) }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw .unreadable(String(cString: strerror(errno))) }
    }

    private static let limit = 4 << 20

    private static func read(_ path: String) throws(Failure) -> [UInt8] {
        // A named pipe that nobody writes to must not hang the program.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { throw .missing }
            throw .unreadable(String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .unreadable(String(cString: strerror(errno))) }
            if count == 0 { return content }
            content.append(contentsOf: chunk[..<count])
            if content.count > limit { throw .unreadable("it is larger than \(limit >> 20) MiB") }
        }
    }
}
