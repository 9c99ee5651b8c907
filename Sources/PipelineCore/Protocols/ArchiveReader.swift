/// A plugin that yields whole records of earlier exports from files, each with a position: a line of JSON, a row of CSV.
public protocol ArchiveReader: Sendable {
    /// Lists the archive; none of its files is opened.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where there is nothing to read, or something that can't be listed.
    func open() async throws -> any ArchiveCursor
}

/// A listed archive, and how far it has been read. One task at a time uses it.
public protocol ArchiveCursor: Closable {
    /// Every name of the archive in the order in which it is read, those that are left out among them. A file's number, which
    /// the ordinals of its records begin with, is its place here: the order must be the same in every process of a run, so
    /// it is the names' byte order. It doesn't change once the archive is open.
    var listing: [ListedFile] { get }
    /// The part of the input that has been read, from 0 to 1, for the progress display; nil where that isn't known.
    var fractionRead: Double? { get }
    /// Goes to the beginning of a file: the ones before it count as read, and aren't opened. Called before the first `next`,
    /// if at all.
    ///
    /// - Parameter number: from 0 to the number of names, which is the archive's end.
    func skip(to number: Int) async throws
    /// Says which files are read: the others aren't opened, and come as `passed`. Called before everything else that reads, if
    /// at all.
    ///
    /// - Parameter files: by number.
    func read(only files: Set<Int>) async
    /// What comes next, at most `limit` events, at least one; empty at the end of the archive. Every name of the listing comes
    /// once, in its order: as `leftOut` or `passed`, or as `begun`, its records, and `ended`.
    ///
    /// A damaged file ends with a fault among its records, and reading goes on with the next one.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where reading can't go on (events before that are yielded first), and in
    ///   the first call, if it begins with the first file, where nothing in the archive can be read and all of it is to be.
    func next(limit: Int) async throws -> [ArchiveEvent]
}

/// One name of an archive's listing.
public struct ListedFile: Sendable, Hashable {
    /// Relative to the archive's folder; unlike all others in the listing.
    public var name: String
    /// In bytes, as the file is stored; 0 for what is left out.
    public var size: UInt64
    /// When it was last changed, in nanoseconds since 1970. A reader that can't tell gives any number that is another one
    /// once the content is: a finished file in which neither this nor `size` and `inode` has changed isn't read again.
    public var modified: Int64
    /// What tells the file from another one of this name; 0 where there is no such thing.
    public var inode: UInt64
    /// Why it is left out, as far as its name or the listing tells, in words that follow "it is" or "because"; nil for a file
    /// that is opened when it is reached.
    public var leftOut: String?

    public init(name: String, size: UInt64, modified: Int64, inode: UInt64) {
        self.name = name
        self.size = size
        self.modified = modified
        self.inode = inode
    }

    /// One that is left out.
    public init(name: String, leftOut: String) {
        self.init(name: name, size: 0, modified: 0, inode: 0)
        self.leftOut = leftOut
    }
}

/// What an archive's documents mean. Pure, and safe to call from many tasks at once.
public protocol RecordDecoder: Sendable {
    /// The application that all endpoints belong to; nil where the documents say it.
    var applicationID: String? { get }
    /// Reads one record's JSON document.
    ///
    /// - Returns: `found`, or `failed` with the code `MalformedRecord` or `WrongApplication`; the failure's message begins
    ///   in lower case and names no place, which the caller adds.
    func decode(_ document: [UInt8]) -> Outcome
}
