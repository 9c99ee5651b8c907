internal import CZlib

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// A file that couldn't be written.
public struct OutputFileError: Error, Sendable, Hashable, CustomStringConvertible {
    public let path: String
    /// What the system says, or what is there.
    public let reason: String

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    public var description: String { "cannot write '\(path)': \(reason)" }
}

/// A file written from its start, gzipped where its name ends in `.gz`.
final class OutputFile {
    private let path: String
    private let descriptor: Int32
    private var plain: [UInt8] = []
    private let deflater: Deflater?

    private static let blockSize = 256 * 1024

    /// Creates the file, or empties it.
    ///
    /// - Parameter force: also where it isn't one of this form.
    init(path: String, form: SyntheticFile, force: Bool) throws(OutputFileError) {
        self.path = path
        if !force { try form.requireReplaceable(path) }
        // What was no link a moment ago may be one now.
        let links = force || SyntheticFile.isDevice(path) ? 0 : O_NOFOLLOW
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | links, 0o644)
        guard descriptor >= 0 else { throw Self.error(path) }
        plain.reserveCapacity(Self.blockSize + 4096)
        deflater = path.hasSuffix(".gz") ? Deflater() : nil
        if path.hasSuffix(".gz"), deflater == nil {
            close(descriptor)
            throw OutputFileError(path: path, reason: "zlib has no memory")
        }
    }

    func append(_ bytes: some Collection<UInt8>) throws(OutputFileError) {
        plain.append(contentsOf: bytes)
        if plain.count >= Self.blockSize { try flush(isLast: false) }
    }

    /// Writes what is left and closes the file.
    func finish() throws(OutputFileError) {
        defer { close(descriptor) }
        try flush(isLast: true)
    }

    private func flush(isLast: Bool) throws(OutputFileError) {
        let block = deflater.map { $0.deflate(plain, isLast: isLast) } ?? plain
        plain.removeAll(keepingCapacity: true)
        var start = 0
        while start < block.count {
            let written = block.withUnsafeBytes {
                write(descriptor, $0.baseAddress.map { $0 + start }, $0.count - start)
            }
            if written < 0 {
                if errno == EINTR { continue }
                throw Self.error(path)
            }
            start += written
        }
    }

    private static func error(_ path: String) -> OutputFileError {
        OutputFileError(path: path, reason: String(cString: strerror(errno)))
    }
}

/// zlib's deflate with gzip's header and trailer. The stream lives at one address from its start to its end, as zlib wants.
private final class Deflater {
    private let stream: UnsafeMutablePointer<z_stream>
    private var output = [UInt8](repeating: 0, count: 64 * 1024)

    /// Nil where zlib has no memory.
    init?() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 is the largest window, 16 more asks for gzip's form.
        let status = deflateInit2_(
            stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { return nil }
    }

    deinit {
        deflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    func deflate(_ bytes: [UInt8], isLast: Bool) -> [UInt8] {
        var result: [UInt8] = []
        var bytes = bytes
        bytes.withUnsafeMutableBufferPointer { input in
            stream.pointee.next_in = input.baseAddress
            stream.pointee.avail_in = UInt32(input.count)
            repeat {
                let filled = output.withUnsafeMutableBufferPointer { space in
                    stream.pointee.next_out = space.baseAddress
                    stream.pointee.avail_out = UInt32(space.count)
                    // Neither a buffer error nor a stream error is possible: there is room, and the state is ours.
                    _ = CZlib.deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                    return space.count - Int(stream.pointee.avail_out)
                }
                result.append(contentsOf: output[..<filled])
            } while stream.pointee.avail_out == 0
        }
        return result
    }
}
