/// A spool while it is written, through a buffer.
public final class SpoolFile {
    private let file: WritableFile
    /// Bytes in the file.
    private var written = 0
    private var buffer: [UInt8] = []
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
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.capacity { try flush() }
    }

    /// Writes what the buffer still holds.
    func flush() throws {
        try buffer.withUnsafeBytes { try file.write($0, at: written) }
        written += buffer.count
        buffer.removeAll(keepingCapacity: true)
    }
}
