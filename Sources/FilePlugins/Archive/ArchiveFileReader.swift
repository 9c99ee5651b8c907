public import PipelineCore

/// Reads earlier exports: a file, a folder with all its subfolders, or what a glob matches, in byte order of relative names.
///
/// - A file holds a JSON document on each line, JSON documents or lists over any number of lines, or is CSV as Pinpoint
///   imports it; gzip, zstd and UTF-16 are recognised by their first bytes.
/// - Of a folder or glob, evident junk (an image, a mark of another program) is left out and counted, and any other file
///   that can't be read is one fault. A file is looked at when it is reached.
/// - In a folder, and where a glob's component doesn't say so itself, names that begin with a dot are left out.
/// - A file that ends early or is corrupt ends with one fault; reading goes on with the next one.
/// - A position's token is the file's relative name, its offset counts that file's uncompressed bytes, and its member is
///   where the gzip member or zstd frame begins that holds this offset.
/// - Memory doesn't grow with the archive, the list of its files aside.
public struct ArchiveFileReader: ArchiveReader {
    private let path: PathOption
    private let filter: NameFilter
    private let warn: @Sendable (String) -> Void

    /// - Parameters:
    ///   - include: Globs over relative names; where given, other files are left out.
    ///   - exclude: Globs over relative names that are left out, folders with all that is in them.
    ///   - warn: Takes a line for each file that is left out or can't be read.
    public init(
        path: PathOption, include: [String]? = nil, exclude: [String]? = nil,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.path = path
        filter = NameFilter(include: include, exclude: exclude)
        self.warn = warn
    }

    /// Lists the names.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where the path is missing, empty, or matches nothing; where a folder, or what
    ///   a name stands for, can't be read.
    public func open() async throws -> any ArchiveCursor {
        let cursor = ArchiveFileCursor(warn: warn)
        try await cursor.list(path, filter)
        return cursor
    }

    /// The files that would be opened, in order. Nothing but folders is read.
    ///
    /// - Parameter number: of the archive's first name.
    /// - Returns: The files, and the number behind the archive's last name.
    /// - Throws: as `open()`.
    public func files(from number: Int) async throws -> (files: [NumberedFile], next: Int) {
        let cursor = ArchiveFileCursor(warn: warn)
        try await cursor.list(path, filter)
        return (await cursor.files(from: number), number + (await cursor.listing.count))
    }
}

/// A file of an archive, for whoever deals files out to processes of their own.
public struct NumberedFile: Sendable, Hashable {
    /// Its place in the listing, with which the ordinals of its records begin.
    public var number: Int
    /// As messages and the table `failures` name it: what was written, and the relative name.
    public var path: String
    /// As the file is stored.
    public var bytes: UInt64
}
