internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// An exclusive lock on a file, held by `flock`: it dies with its process, however that ends.
package final class RunLock {
    private let path: String
    private var file: Int32

    /// Takes the lock.
    ///
    /// - Parameters:
    ///   - path: the lock file; it is made, and removed again by `release`.
    ///   - subject: what is locked, for the message to whoever comes second.
    /// - Throws: `PipelineError`: `.temporary` where another process holds it.
    package init(path: String, subject: String) throws {
        self.path = path
        file = -1
        while true {
            file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
            guard file >= 0 else { throw SystemFailure.pipelineError(errno, creating: path) }
            guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
                let number = errno
                let holder = Self.holder(of: file)
                closeFile()
                guard number == EWOULDBLOCK else { throw SystemFailure.pipelineError(number, creating: path) }
                throw PipelineError(
                    .temporary, "\(subject) is held by \(holder)",
                    hint: "Run again when it is done. The lock goes when that process ends; there is nothing to delete."
                )
            }
            // Between `open` and `flock` the last holder may have removed the file: then this is a lock on nothing.
            if isStillInPlace { break }
            closeFile()
        }
        describeHolder()
    }

    deinit { release() }

    /// Removes the file and lets go. Calling it again does nothing.
    package func release() {
        guard file >= 0 else { return }
        // In this order: nobody else can hold the lock while the file goes.
        unlink(path)
        closeFile()
    }

    private func closeFile() {
        close(file)
        file = -1
    }

    private var isStillInPlace: Bool {
        var held = stat()
        var named = stat()
        return fstat(file, &held) == 0 && stat(path, &named) == 0
            && held.st_ino == named.st_ino && held.st_dev == named.st_dev
    }

    /// Says for others who holds the lock. A full disk may leave the file empty; the lock holds all the same.
    private func describeHolder() {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let text = Array("process \(getpid()) on \(host) since \(LogicalDate.now.text)\n".utf8)
        ftruncate(file, 0)
        _ = pwrite(file, text, text.count, 0)
    }

    private static func holder(of file: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = pread(file, &bytes, bytes.count, 0)
        let text = String(decoding: bytes.prefix(max(0, count)).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        return text.isEmpty ? "another process" : text
    }
}
