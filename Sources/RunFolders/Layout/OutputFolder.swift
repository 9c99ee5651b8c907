internal import LocalFiles
internal import PipelineCore

/// The names under a sink's path, for one pipeline and shard; what is within a run's folder, `RunLayout` names.
///
/// ```
/// <path>/runs/<run_id>/                 a published run
/// <path>/runs/<run_id>.shard<n>/        what one shard of a run has published
/// <path>/current                        a link to the newest run; none leads to a shard
/// <path>/latest.json                    names the same run where links don't count, such as in a copy elsewhere
/// <path>/.sluice/owner.json             whose the folder is, and its format
/// <path>/.sluice/runs/<run_id>.json     every run that ever began here
/// <path>/.sluice/<run_id>/              a run under way
/// <path>/.sluice/<pipeline>.<shard>.*   lock, and what is only just being made or removed
/// <path>/.sluice/format.lock            held while the folder gets another format
/// ```
///
/// In format 1 the published runs stand beside `current` (`OutputFolder+Earlier.swift`).
struct OutputFolder: Sendable, Hashable {
    /// What may stand there of the sink's own, beside runs.
    static let entries = ["current", "latest.json", ".sluice", "runs"]

    /// Absolute, without links.
    let root: String
    let pipeline: String
    let shard: Int

    /// Makes the folders where they are missing.
    ///
    /// - Throws: `PipelineError` of kind `.cantCreate`, or `.ioError` on a full disk.
    init(_ path: String, pipeline: String, shard: Int) throws {
        try Folder.make(path)
        guard let root = try Folder.existing(path) else {
            throw PipelineError(.cantCreate, "\(path) can't be reached", hint: "Check the folders on the way to it.")
        }
        self.root = root == "/" ? "" : root
        self.pipeline = pipeline
        self.shard = shard
        for path in [own, records] {
            switch try PathEntry(path) {
            case .nothing, .folder: break
            default:
                throw PipelineError(
                    .cantCreate, "\(path) is no folder, and isn't written to",
                    hint: "Find out who put it there, move it away and run again; or name another path.")
            }
        }
        guard try PathEntry(records) != .folder else { return }
        try Folder.make(records)
        try Files.sync(folder: own)
        try Files.sync(folder: self.root + "/")
        // The folder above may be one that this user can't open; then its file system has to look after itself.
        do { try Files.sync(folder: Folder.of(self.root)) } catch let error as PipelineError
            where error.kind == .cantCreate
        {}
    }

    /// Makes nothing.
    ///
    /// - Parameter root: Absolute, without links; it exists.
    init(existing root: String, pipeline: String, shard: Int) {
        self.root = root == "/" ? "" : root
        self.pipeline = pipeline
        self.shard = shard
    }

    /// The root as a folder whose names are listed.
    var listed: String { root.isEmpty ? "/" : root }
    /// What is the sink's alone.
    var own: String { "\(root)/.sluice" }
    /// The history.
    var records: String { "\(own)/runs" }
    /// The published runs.
    var runs: String { "\(root)/runs" }
    var owner: String { "\(own)/owner.json" }
    var lock: String { "\(own)/\(mark).lock" }
    /// A run's folder while it is made.
    var nascent: String { "\(own)/\(mark).begin" }
    /// What is to be deleted: a folder leaves its place at once, however long its removal takes.
    var trash: String { "\(own)/\(mark).trash" }
    /// The link that will be `current`.
    var nascentLink: String { "\(own)/\(mark).current" }
    /// The claim that will be `owner.json`.
    var nascentOwner: String { "\(own)/\(mark).owner" }
    /// What will be `latest.json`.
    var nascentLatest: String { "\(own)/\(mark).latest" }
    var current: String { "\(root)/current" }
    var latest: String { "\(root)/latest.json" }
    /// Held while the folder gets another format. No pipeline and shard's mark is a name like this.
    var formatLock: String { "\(own)/format.lock" }

    func underWay(_ runID: String) -> String { "\(own)/\(ownName(runID))" }
    func record(_ runID: String) -> String { "\(records)/\(ownName(runID)).json" }
    func published(_ stored: StoredRunState) -> String { "\(root)/\(linkTarget(stored))" }
    /// Where `current` leads to when a run is published, from the folder of that link.
    func linkTarget(_ stored: StoredRunState) -> String { Self.place(ofRun: Self.publishedName(stored)) }
    /// The place of a published run's folder, from the sink's path.
    static func place(ofRun name: String) -> String { "runs/\(name)" }

    /// Names a run among what is the sink's alone: the same however many shards it has, so that one that is done again with
    /// another number of them is known for the same.
    private func ownName(_ runID: String) -> String { shard == 0 ? runID : "\(runID).shard\(shard)" }

    /// The name of a run's folder: each shard publishes one of its own.
    static func publishedName(_ stored: StoredRunState) -> String {
        stored.isSharded ? shardName(stored) : stored.run.runID
    }

    private static func shardName(_ stored: StoredRunState) -> String { "\(stored.run.runID).shard\(stored.shard)" }

    /// Where the same run stands if it was published whole, and is now one of several shards; or the other way round.
    func publishedOtherwise(_ stored: StoredRunState) -> String {
        "\(runs)/\(stored.isSharded ? stored.run.runID : Self.shardName(stored))"
    }

    /// A pipeline and shard's name among what is the sink's alone. A pipeline's name holds no dot, so this is nobody else's.
    var mark: String { "\(pipeline).\(shard)" }

    /// The folders whose names are such as this pipeline gives to its published runs, of all shards; others may have put them
    /// there.
    ///
    /// - Parameter place: that of the runs.
    func publishedFolders(in place: String) throws -> [(name: String, path: String)] {
        // What belongs to others may have a manifest of its own.
        try Files.names(in: place).filter { $0.hasPrefix("\(pipeline)-") }
            .map { ($0, place == "/" ? "/\($0)" : "\(place)/\($0)") }.filter { try PathEntry($0.1) == .folder }
    }

    /// Whether the run that is published under a name has a record; only a glance at names.
    func knows(_ name: String) throws -> Bool {
        // The first shard's record has the run's own name.
        let record = name.hasSuffix(".shard0") ? String(name.dropLast(".shard0".count)) : name
        return try PathEntry("\(records)/\(record).json") == .file
    }

    /// Whether a run's ID can be the name of a folder here.
    func canName(_ runID: String) -> Bool {
        !runID.isEmpty && runID.utf8.count <= 200 && !runID.hasPrefix(".") && runID != "runs" && runID != "current"
            && !runID.utf8.contains(UInt8(ascii: "/")) && !runID.utf8.contains(0)
    }

    /// The same folder for another pipeline and shard.
    func of(_ pipeline: String, shard: Int) -> OutputFolder {
        OutputFolder(existing: root, pipeline: pipeline, shard: shard)
    }

    /// The same folder for a run's pipeline and shard.
    func of(_ stored: StoredRunState) -> OutputFolder { of(stored.pipeline, shard: stored.shard) }

    /// Makes the folder of the published runs, durably, where it is missing.
    func makeRuns() throws {
        guard try PathEntry(runs) == .nothing else { return }
        try Files.makeFolder(runs)
        try Files.sync(folder: listed)
    }

    func owns(_ stored: StoredRunState) -> Bool { stored.pipeline == pipeline && stored.shard == shard }

    /// Takes a folder out of its place and deletes it. Whatever a crash leaves of it goes when the sink is opened again.
    func discard(_ path: String) throws {
        guard try PathEntry(path) != .nothing else { return }
        try Files.makeFolder(trash)
        let name = path[path.index(after: path.lastIndex(of: "/") ?? path.startIndex)...]
        var aside = "\(trash)/\(name)"
        var number = 1
        while try PathEntry(aside) != .nothing {
            aside = "\(trash)/\(name).\(number)"
            number += 1
        }
        try Files.move(path, to: aside)
    }

    /// Deletes what was discarded.
    func emptyTrash() throws { try Files.remove(trash) }
}
