public import PipelineCore

/// Reads an archive of one file from an open descriptor, once: a pipe, for example. What it holds is recognised as of a file.
public struct ArchiveStreamReader: ArchiveReader {
    private let descriptor: Int32
    private let shown: String
    private let warn: @Sendable (String) -> Void

    /// - Parameters:
    ///   - descriptor: open for reading; it stays open.
    ///   - shown: the file's name, in messages and positions.
    ///   - warn: Takes a line where it holds nothing of an archive.
    public init(descriptor: Int32, shown: String, warn: @escaping @Sendable (String) -> Void) {
        self.descriptor = descriptor
        self.shown = shown
        self.warn = warn
    }

    /// Nothing is read yet.
    public func open() async -> any ArchiveCursor {
        let cursor = ArchiveFileCursor(warn: warn)
        await cursor.list(descriptor: descriptor, shown: shown)
        return cursor
    }
}
