internal import LocalFiles
internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A file that is written at offsets. Blocking; one owner uses it.
final class OutputFile {
    let path: String
    private var descriptor: Int32

    /// What to do with a file that is there, or isn't.
    enum Opening {
        /// It must exist.
        case existing
        /// It is made; what stood there loses its name.
        case fresh
    }

    init(_ path: String, _ opening: Opening) throws {
        self.path = path
        do {
            descriptor =
                switch opening {
                case .existing: try FileForWriting.open(path)
                case .fresh: try FileForWriting.create(path, permissions: 0o666)
                }
        } catch {
            descriptor = -1
            switch error {
            case .system(let number): throw FileFailure.error(number, "open", path)
            case .refused: throw error.pipelineError(path)
            }
        }
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { _ = closeDescriptor(descriptor) }
        descriptor = -1
    }

    func size() throws -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileFailure.error(errno, "examine", path) }
        return Int(status.st_size)
    }

    /// Whether the path still leads to this file.
    var isInPlace: Bool { isSame(descriptor, path) }

    func write(_ bytes: [UInt8], at offset: Int) throws {
        try bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
                let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + written))
                if count < 0 {
                    if errno == EINTR { continue }
                    throw FileFailure.error(errno, "write", path)
                }
                written += count
            }
        }
    }

    /// Reads up to `buffer.count` bytes; fewer only at the file's end.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        var total = 0
        while total < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[total...])
            let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + total))
            if count < 0 {
                if errno == EINTR { continue }
                throw FileFailure.error(errno, "read", path)
            }
            if count == 0 { break }
            total += count
        }
        return total
    }

    /// Cuts off what stands behind `size`.
    func cut(to size: Int) throws {
        while ftruncate(descriptor, off_t(size)) != 0 {
            if errno != EINTR { throw FileFailure.error(errno, "cut back", path) }
        }
    }

    func sync() throws {
        while fsync(descriptor) != 0 {
            if errno != EINTR { throw FileFailure.error(errno, "write to the disk", path) }
        }
    }
}

/// A folder that is held open, so that it is noticed when the path no longer leads to it.
final class FolderInPlace {
    private let path: String
    private let descriptor: Int32

    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure.error(errno, "open", path) }
    }

    deinit { _ = closeDescriptor(descriptor) }

    var isInPlace: Bool { isSame(descriptor, path) }
}

/// Whether a path leads to what is open.
private func isSame(_ descriptor: Int32, _ path: String) -> Bool {
    var held = stat()
    var named = stat()
    return fstat(descriptor, &held) == 0 && stat(path, &named) == 0
        && held.st_ino == named.st_ino && held.st_dev == named.st_dev
}

/// The C function, which a method of the same name hides.
private func closeDescriptor(_ descriptor: Int32) -> Int32 { close(descriptor) }

/// What a failed call on a file means to a run.
enum FileFailure {
    /// - Parameter action: what couldn't be done: "write", "cut back".
    static func error(_ number: Int32, _ action: String, _ path: String) -> PipelineError {
        let message = "cannot \(action) \(path): \(SystemFailure.text(number))"
        switch number {
        case ENOSPC, EDQUOT:
            return PipelineError(
                .ioError, message,
                hint: "The disk is full. Free some space there and run again: what was committed so far is safe, and "
                    + "the run goes on behind it.")
        case EFBIG:
            return PipelineError(
                .ioError, message, hint: "A file may not be that large there: lower max_file_size, or raise the limit.")
        case EACCES, EPERM, EROFS:
            return PipelineError(
                .cantCreate, message,
                hint: "Check that the file and its folder may be written by the user who runs this.")
        case ENOENT:
            return PipelineError(
                .ioError, message,
                hint: "It was moved or deleted. Restore it and run again, or run with --fresh to begin again.")
        default:
            return PipelineError(
                .ioError, message,
                hint: "Check the disk and its mount, then run again: the run goes on behind its last commit.")
        }
    }
}
