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

    public init(_ source: @escaping @Sendable (_ path: String) throws(Failure) -> [UInt8]) { self.source = source }

    public func bytes(_ path: String) throws(Failure) -> [UInt8] { try source(path) }

    /// As text; what isn't UTF-8 becomes U+FFFD.
    public func text(_ path: String) throws(Failure) -> String { String(decoding: try source(path), as: UTF8.self) }

    /// Files of up to 4 MiB.
    public static let system = FileAccess { path throws(Failure) in try read(path) }

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
