internal import LocalFiles
public import PipelineCore

/// A data file that is read back.
public final class StoredFile {
    public let path: String
    /// How much of a file under way counts; what stands behind it isn't committed. Nil for a published file, all of which does.
    public let extent: Extent?
    private enum Source {
        case none
        case published(FileForReading)
        case written(WritableFile)
    }
    private var source = Source.none
    private var offset = 0

    /// The committed part of a file of a run that isn't published.
    public struct Extent: Sendable {
        /// Bytes from the file's start.
        public var bytes: Int
        /// Bytes of text in them.
        public var length: Int
    }

    /// - Parameter extent: nil for a published file.
    public init(_ path: String, extent: Extent? = nil) {
        self.path = path
        self.extent = extent
    }

    /// Fills the buffer with the file's next bytes, from its start on; fewer than it holds only at the end, where it is 0.
    ///
    /// - Throws: `PipelineError`: `.noInput` for a published file, `.ioError` for one of a run under way.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let extent else { return try readPublished(into: buffer) }
        let file: WritableFile
        if case .written(let opened) = source {
            file = opened
        } else {
            file = try WritableFile(path, .existing)
            source = .written(file)
        }
        let wanted = min(buffer.count, extent.bytes - offset)
        guard try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]), at: offset) == wanted
        else {
            throw damaged
        }
        offset += wanted
        return wanted
    }

    private func readPublished(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        do throws(FileForReading.Failure) {
            let file: FileForReading
            if case .published(let opened) = source {
                file = opened
            } else {
                file = try FileForReading(path)
                source = .published(file)
            }
            return try file.read(into: buffer)
        } catch {
            throw PipelineError(
                .noInput, "\(path) can't be read: \(SystemFailure.text(error.number))",
                hint: "Restore the file from a backup.")
        }
    }

    /// The error where the file isn't what was written.
    public var damaged: PipelineError {
        guard extent != nil else {
            return PipelineError(
                .noInput, "\(path) isn't what was published", hint: "Restore the file from a backup.")
        }
        return PipelineError(
            .ioError, "\(path) isn't what the run has written there",
            hint: "Restore the file, or run with --fresh to begin again.")
    }
}
