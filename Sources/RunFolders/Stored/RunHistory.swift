internal import LocalFiles
internal import PipelineCore

/// Every run of one pipeline and shard that ever began under a path, whether its files are still there or not.
///
/// The record of a run under way is as of its beginning; its checkpoint file tells how far it is.
struct RunHistory {
    private let folder: OutputFolder
    private var storedRuns: [String: StoredRunState] = [:]

    init(_ folder: OutputFolder) throws {
        self.folder = folder
        for name in try Files.names(in: folder.runs) where name.hasSuffix(".json") {
            guard let stored = try Self.state(at: "\(folder.runs)/\(name)"), folder.owns(stored) else {
                continue
            }
            storedRuns[stored.run.runID] = stored
        }
    }

    /// What a file of the history says; nil where it isn't there.
    static func state(at path: String) throws -> StoredRunState? {
        try StoredJSON.read(
            path, hint: "Restore it from a backup, or delete it: then that run counts as one that never began."
        ) { try StoredRunState($0) }
    }

    subscript(runID: String) -> StoredRunState? { storedRuns[runID] }

    /// The run that began last.
    var newest: StoredRunState? { storedRuns.values.max { $0.sequence < $1.sequence } }

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
                return own.run.state == .complete ? own : nil
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
            try storedRuns.values.filter { $0.run.state == .complete }.sorted { $0.sequence > $1.sequence }
                .first { try PathEntry(folder.published($0)) == .folder }
        }
    }

    /// Writes a run's record, durably.
    mutating func write(_ stored: StoredRunState) throws {
        try Replacement.write(stored.json, to: folder.history(stored.run.runID), in: folder.runs)
        storedRuns[stored.run.runID] = stored
    }

    /// Notes what another file says of a run.
    mutating func note(_ stored: StoredRunState) { storedRuns[stored.run.runID] = stored }
}
