internal import PipelineCore

/// Every run of one pipeline and shard that ever began under a path, whether its files are still there or not.
///
/// The record of a run under way is as of its beginning; its checkpoint file tells how far it is.
struct RunHistory {
    private let folder: OutputFolder
    private var standings: [String: RunStanding] = [:]

    init(_ folder: OutputFolder) throws {
        self.folder = folder
        for name in try Files.names(in: folder.runs) where name.hasSuffix(".json") {
            guard let standing = try Self.standing(at: "\(folder.runs)/\(name)"), folder.owns(standing) else {
                continue
            }
            standings[standing.run.runID] = standing
        }
    }

    /// What a file of the history says; nil where it isn't there.
    static func standing(at path: String) throws -> RunStanding? {
        try StandingFault.reading(
            path, hint: "Restore it from a backup, or delete it: then that run counts as one that never began."
        ) { try RunStanding($0) }
    }

    subscript(runID: String) -> RunStanding? { standings[runID] }

    /// The run that began last.
    var newest: RunStanding? { standings.values.max { $0.sequence < $1.sequence } }

    /// The run of this pipeline that `current` leads to; nil where it leads nowhere, or to another pipeline's.
    ///
    /// Where a run's manifest was deleted its record tells as much; where `current` was, the newest run whose files are
    /// still in place is what it led to.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where its manifest can't be understood, or nothing tells whose it is.
    var published: RunStanding? {
        get throws {
            guard try Entry(folder.current) == .link else { return try newestInPlace }
            if let standing = try Manifest.standing(in: folder.current) {
                return folder.owns(standing) ? standing : nil
            }
            guard let name = Files.target(ofLink: folder.current), try Entry("\(folder.root)/\(name)") == .folder else {
                return nil
            }
            if let own = standings.values.first(where: { OutputFolder.publishedName($0) == name }) {
                return own.run.state == .complete ? own : nil
            }
            throw PipelineError(
                .configuration,
                "\(folder.current) leads to \(name), which has no \(Manifest.name), and nothing else tells what it holds",
                hint:
                    "Restore that file from a backup; or remove the link, and what it leads to counts as not published."
            )
        }
    }

    private var newestInPlace: RunStanding? {
        get throws {
            try standings.values.filter { $0.run.state == .complete }.sorted { $0.sequence > $1.sequence }
                .first { try Entry("\(folder.root)/\(OutputFolder.publishedName($0))") == .folder }
        }
    }

    /// Writes a run's record, durably.
    mutating func write(_ standing: RunStanding) throws {
        try Replacement.write(standing.json, to: folder.history(standing.run.runID), in: folder.runs)
        standings[standing.run.runID] = standing
    }

    /// Notes what another file says of a run.
    mutating func note(_ standing: RunStanding) { standings[standing.run.runID] = standing }
}
