/// What a plugin does with the file or folder that one of its path options names.
///
/// A host compares the places of a pipeline as the file system has them, so that nothing is written over what something
/// else reads or writes. A path option without a role counts as `.input`.
public enum PlaceRole: Sendable {
    /// The file is read.
    case input
    /// The option stands for files in a way of the plugin's own, a folder or a glob for instance.
    case inputs(@Sendable (Options) -> InputFiles?)
    /// The file is written, and so are files beside it: its path with each of these endings, such as `-wal`.
    case outputFile(companions: [String])
    /// A folder of the plugin's own.
    ///
    /// `entries`: the names that are written in it; `holdsRuns`: so are folders with the names of runs. Nothing else of the
    /// pipeline writes into the folder, a report aside, which may stand beside these.
    case outputFolder(entries: [String], holdsRuns: Bool)
}

/// The files that an option stands for.
public struct InputFiles: Sendable {
    /// Absolute: the file, or the folder that all files stand in.
    public var base: String
    /// Whether the file with this path below `base` is read, or, of a folder, whether one in it may be. Empty is `base`.
    public var reads: @Sendable (_ path: String, _ isFolder: Bool) -> Bool

    public init(base: String, reads: @escaping @Sendable (_ path: String, _ isFolder: Bool) -> Bool) {
        self.base = base
        self.reads = reads
    }
}
