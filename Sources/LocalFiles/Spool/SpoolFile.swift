internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A spool while it is written, through a buffer.
package final class SpoolFile {
    private let path: String
    private var descriptor: Int32
    private var buffer: [UInt8] = []
    private static let capacity = 1 << 20

    init(creating path: String) throws {
        self.path = path
        descriptor = -1
        do { descriptor = try FileForWriting.create(path, permissions: 0o600) } catch {
            throw error.pipelineError(path)
        }
        buffer.reserveCapacity(Self.capacity)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Appends bytes.
    ///
    /// - Throws: `PipelineError` of kind `.ioError` where the disk is full or fails.
    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.capacity { try flush() }
    }

    /// Makes what was written durable.
    func finish() throws {
        try flush()
        guard fsync(descriptor) == 0 else { throw failure(errno) }
    }

    private func flush() throws {
        try buffer.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count, let start = bytes.baseAddress {
                let count = systemWrite(descriptor, start + written, bytes.count - written)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw failure(errno) }
                written += count
            }
        }
        buffer.removeAll(keepingCapacity: true)
    }

    private func failure(_ number: Int32) -> PipelineError {
        PipelineError(
            .ioError, "cannot write \(path): \(SystemFailure.text(number))",
            hint: "The input is kept aside there while the run lasts. Free some space, or name another state_directory."
        )
    }
}

/// The system's call, whose name the type's own method hides.
private func systemWrite(_ file: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int { write(file, bytes, count) }
