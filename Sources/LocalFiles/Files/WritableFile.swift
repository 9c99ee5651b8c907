internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A file that is written at offsets. Blocking; one owner uses it.
public final class WritableFile {
    public let path: String
    private var descriptor: Int32

    /// What to do with a file that is there, or isn't.
    public enum Opening: Sendable {
        /// It must exist.
        case existing
        /// It is made; what stood there loses its name.
        case fresh
    }

    private let failing: FileFailure.Mapping

    /// - Parameters:
    ///   - permissions: of a fresh file, before the process's mask.
    ///   - failing: makes the errors of calls that fail.
    /// - Throws: `PipelineError`: what `failing` makes; `.cantCreate` where what is there isn't this program's to write into.
    public init(
        _ path: String, _ opening: Opening, permissions: UInt32 = 0o666,
        failing: @escaping FileFailure.Mapping = FileFailure.error
    ) throws {
        self.path = path
        self.failing = failing
        do {
            descriptor =
                switch opening {
                case .existing: try FileForWriting.open(path)
                case .fresh: try FileForWriting.create(path, permissions: permissions)
                }
        } catch {
            descriptor = -1
            switch error {
            case .system(let number): throw failing(number, .open, path)
            case .refused: throw error.pipelineError(path)
            }
        }
    }

    deinit { close() }

    /// Closes the file; further calls do nothing.
    public func close() {
        if descriptor >= 0 { _ = closeDescriptor(descriptor) }
        descriptor = -1
    }

    /// Its bytes at this moment.
    public func size() throws -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failing(errno, .examine, path) }
        return Int(status.st_size)
    }

    /// Whether the path still leads to this file.
    public var isInPlace: Bool { isSame(descriptor, path) }

    /// Writes all of the bytes.
    public func write(_ bytes: [UInt8], at offset: Int) throws {
        try bytes.withUnsafeBytes { try write($0, at: offset) }
    }

    /// Writes all of the bytes.
    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + written))
            if count < 0 {
                if errno == EINTR { continue }
                throw failing(errno, .write, path)
            }
            written += count
        }
    }

    /// Reads up to `buffer.count` bytes; fewer only at the file's end.
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        var total = 0
        while total < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[total...])
            let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + total))
            if count < 0 {
                if errno == EINTR { continue }
                throw failing(errno, .read, path)
            }
            if count == 0 { break }
            total += count
        }
        return total
    }

    /// Cuts off what stands behind `size`.
    public func cut(to size: Int) throws {
        while ftruncate(descriptor, off_t(size)) != 0 {
            if errno != EINTR { throw failing(errno, .truncate, path) }
        }
    }

    /// Makes what was written durable.
    public func sync() throws {
        while fsync(descriptor) != 0 {
            if errno != EINTR { throw failing(errno, .sync, path) }
        }
    }
}

/// The C function, which a method of the same name hides.
private func closeDescriptor(_ descriptor: Int32) -> Int32 { close(descriptor) }
