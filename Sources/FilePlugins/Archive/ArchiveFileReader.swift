public import PipelineCore

/// Reads earlier exports: a file, a folder with all its subfolders, or what a glob matches, in byte order of relative names.
///
/// - A file holds a JSON document on each line, or is CSV as Pinpoint imports it; gzip is recognised by its first bytes. Of
///   a folder or glob, what is evidently something else is left out with a warning.
/// - In a folder, and where a glob's component doesn't say so itself, names that begin with a dot are left out.
/// - A file that ends early or is corrupt ends with one fault; reading goes on with the next one.
/// - A position's token is the file's relative name, its offset counts that file's uncompressed bytes, and its member is
///   where the gzip member begins that holds this offset.
/// - Memory doesn't grow with the archive, the list of its files aside.
public struct ArchiveFileReader: ArchiveReader {
    private let path: PathOption
    private let warn: @Sendable (String) -> Void

    /// - Parameter warn: Takes a line for each file that is left out.
    public init(path: PathOption, warn: @escaping @Sendable (String) -> Void) {
        self.path = path
        self.warn = warn
    }

    /// Lists the files and looks at the beginning of each.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where the path is missing, empty, or matches nothing; where a folder, a
    ///   file or a symbolic link in it can't be read; where no file is an archive.
    public func open() async throws -> any ArchiveCursor {
        let cursor = ArchiveFileCursor()
        try await cursor.open(path, warn: warn)
        return cursor
    }
}
