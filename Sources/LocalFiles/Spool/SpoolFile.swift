/// A spool while it is written, through a buffer.
public final class SpoolFile {
    private let file: WritableFile
    /// Bytes in the file.
    private var written = 0
    private var buffer: [UInt8] = []
    private var seal = SpoolSeal()
    private static let capacity = 1 << 20

    /// - Parameter file: empty.
    init(_ file: WritableFile) {
        self.file = file
        buffer.reserveCapacity(Self.capacity)
    }

    /// Appends bytes.
    ///
    /// - Throws: `PipelineError` of kind `.ioError` where the disk is full or fails.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        seal.add(bytes)
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.capacity { try flush() }
    }

    /// Writes what the buffer still holds, and the seal.
    func finish() throws {
        buffer += seal.bytes
        try flush()
    }

    private func flush() throws {
        try buffer.withUnsafeBytes { try file.write($0, at: written) }
        written += buffer.count
        buffer.removeAll(keepingCapacity: true)
    }
}
