internal import LocalFiles
internal import PipelineCore
internal import StoreFormat

/// Every run of one pipeline and shard that ever began under a path, whether its files are still there or not.
///
/// The record of a run under way is as of its beginning; its checkpoint file tells how far it is.
struct RunHistory {
    private let folder: OutputFolder
    /// The folder's.
    let format: StoreFormat
    private var storedRuns: [String: StoredRunState] = [:]

    /// - Parameter format: the folder's.
    init(_ folder: OutputFolder, _ format: StoreFormat) throws {
        self.folder = folder
        self.format = format
        for (_, stored) in try Self.all(in: folder) where folder.owns(stored) { storedRuns[stored.run.runID] = stored }
    }

    /// What all pipelines and shards have there, with the files' paths.
    static func all(in folder: OutputFolder) throws -> [(path: String, stored: StoredRunState)] {
        try Files.names(in: folder.records).filter { $0.hasSuffix(".json") }.compactMap { name in
            let path = "\(folder.records)/\(name)"
            return try state(at: path).map { (path, $0) }
        }
    }

    /// What a file of the history says; nil where it isn't there.
    static func state(at path: String) throws -> StoredRunState? {
        try StoredJSON.read(
            path, hint: "Restore it from a backup, or delete it: then that run counts as one that never began."
        ) { try StoredRunState($0, $1) }
    }

    subscript(runID: String) -> StoredRunState? { storedRuns[runID] }

    /// The run that began last.
    var newest: StoredRunState? { storedRuns.values.max { $0.sequence < $1.sequence } }

    /// The published run that began last.
    var newestPublished: StoredRunState? {
        storedRuns.values.filter(\.run.state.isPublished).max { $0.sequence < $1.sequence }
    }

    /// The runs that aren't at their end.
    var unfinished: [StoredRunState] { storedRuns.values.filter(\.isUnfinished) }

    /// The run of this pipeline that `current` leads to; nil where it leads nowhere, or to another pipeline's.
    ///
    /// Where a run's manifest was deleted its record tells as much; where `current` was, the newest run whose files are
    /// still in place is what it led to.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where its manifest can't be understood, or nothing tells whose it is.
    var published: StoredRunState? {
        get throws {
            guard try PathEntry(folder.current) == .link else { return try newestInPlace }
            if let stored = try Manifest.state(in: folder.current) {
                return folder.owns(stored) ? stored : nil
            }
            guard let name = Files.target(ofLink: folder.current), try PathEntry("\(folder.root)/\(name)") == .folder
            else {
                return nil
            }
            if let own = storedRuns.values.first(where: { folder.linkTarget($0) == name }) {
                return own.run.state.isPublished ? own : nil
            }
            throw PipelineError(
                .configuration,
                "\(folder.current) leads to \(name), which has no \(RunLayout.manifest), and nothing else tells what it holds",
                hint:
                    "Restore that file from a backup; or remove the link, and what it leads to counts as not published."
            )
        }
    }

    private var newestInPlace: StoredRunState? {
        get throws {
            try storedRuns.values.filter(\.run.state.isPublished).sorted { $0.sequence > $1.sequence }
                .first { try PathEntry(folder.standing($0, format)) == .folder }
        }
    }

    /// Writes a run's record, durably, in the folder's format.
    mutating func write(_ stored: StoredRunState) throws {
        var stored = stored
        stored.format = format
        try Replacement.write(stored.json, to: folder.record(stored.run.runID), in: folder.records)
        storedRuns[stored.run.runID] = stored
    }

    /// Notes what another file says of a run.
    mutating func note(_ stored: StoredRunState) { storedRuns[stored.run.runID] = stored }
}
