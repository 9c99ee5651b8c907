#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A regular file, opened for reading from its start. Blocking; one owner uses it.
public final class FileForReading {
    /// Why a file can't be read.
    public enum Failure: Error, Sendable {
        /// An `errno`.
        case system(Int32)
        case folder
        /// A pipe, a device or a socket.
        case notRegular

        /// The `errno`.
        public var number: Int32 {
            switch self {
            case .system(let number): number
            case .folder: EISDIR
            case .notRegular: ESPIPE
            }
        }
    }

    private var descriptor: Int32

    /// Opens a file without waiting for it, as a pipe would have it.
    public init(_ path: String) throws(Failure) {
        repeat { descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) } while descriptor < 0 && errno == EINTR
        guard descriptor >= 0 else { throw .system(errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let number = errno
            close()
            throw .system(number)
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return
        case let type:
            close()
            throw type == S_IFDIR ? .folder : .notRegular
        }
    }

    deinit { close() }

    /// Fills the buffer with what comes next.
    ///
    /// - Returns: the bytes read: fewer than the buffer holds only at the file's end, where it is 0.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
        var filled = 0
        while filled < buffer.count, let start = buffer.baseAddress {
            let count = systemRead(descriptor, start + filled, buffer.count - filled)
            if count < 0 {
                if errno == EINTR { continue }
                throw .system(errno)
            }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// Closes the file; further calls do nothing.
    public func close() {
        if descriptor >= 0 { _ = systemClose(descriptor) }
        descriptor = -1
    }
}

// The system's calls, whose names the type's own methods hide.

private func systemRead(_ file: Int32, _ start: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(file, start, count)
}

private func systemClose(_ file: Int32) -> Int32 { close(file) }
