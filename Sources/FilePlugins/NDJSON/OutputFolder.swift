internal import LocalFiles
internal import PipelineCore

/// The names under a sink's path, for one pipeline and shard.
///
/// ```
/// <path>/<run_id>/                      a published run
/// <path>/<run_id>.shard<n>/             what one shard of a run has published
/// <path>/current                        a link to the newest run; none leads to a shard
/// <path>/.sluice/owner.json             whose the folder is
/// <path>/.sluice/runs/<run_id>.json     every run that ever began here
/// <path>/.sluice/<run_id>/              a run under way
/// <path>/.sluice/<pipeline>.<shard>.*   lock, and what is only just being made or removed
/// ```
struct OutputFolder: Sendable {
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
        for path in [own, runs] {
            switch try Entry(path) {
            case .nothing, .folder: break
            default:
                throw PipelineError(
                    .cantCreate, "\(path) is no folder, and isn't written to",
                    hint: "Find out who put it there, move it away and run again; or name another path.")
            }
        }
        guard try Entry(runs) != .folder else { return }
        try Folder.make(runs)
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

    /// What is the sink's alone.
    var own: String { "\(root)/.sluice" }
    var runs: String { "\(own)/runs" }
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
    var current: String { "\(root)/current" }

    func underWay(_ runID: String) -> String { "\(own)/\(ownName(runID))" }
    func history(_ runID: String) -> String { "\(runs)/\(ownName(runID)).json" }
    func published(_ standing: RunStanding) -> String { "\(root)/\(Self.publishedName(standing))" }

    /// Names a run among what is the sink's alone: the same however many shards it has, so that one that is done again with
    /// another number of them is known for the same.
    private func ownName(_ runID: String) -> String { shard == 0 ? runID : "\(runID).shard\(shard)" }

    /// The name of a run's folder: each shard publishes one of its own.
    static func publishedName(_ standing: RunStanding) -> String {
        standing.isSharded ? shardName(standing) : standing.run.runID
    }

    private static func shardName(_ standing: RunStanding) -> String { "\(standing.run.runID).shard\(standing.shard)" }

    /// Where the same run stands if it was published whole, and is now one of several shards; or the other way round.
    func publishedOtherwise(_ standing: RunStanding) -> String {
        "\(root)/\(standing.isSharded ? standing.run.runID : Self.shardName(standing))"
    }

    /// A pipeline's name holds no dot, so this is nobody else's.
    private var mark: String { "\(pipeline).\(shard)" }

    /// Whether a folder's name is one that this pipeline gives to its runs.
    func names(_ folder: String) -> Bool { folder.hasPrefix("\(pipeline)-") }

    func owns(_ standing: RunStanding) -> Bool { standing.pipeline == pipeline && standing.shard == shard }

    /// Takes a folder out of its place and deletes it. Whatever a crash leaves of it goes when the sink is opened again.
    func discard(_ path: String) throws {
        guard try Entry(path) != .nothing else { return }
        try Files.makeFolder(trash)
        let name = path[path.index(after: path.lastIndex(of: "/") ?? path.startIndex)...]
        var aside = "\(trash)/\(name)"
        var number = 1
        while try Entry(aside) != .nothing {
            aside = "\(trash)/\(name).\(number)"
            number += 1
        }
        try Files.move(path, to: aside)
    }

    /// Deletes what was discarded.
    func emptyTrash() throws { try Files.remove(trash) }
}

/// Whose an output folder is: the first pipeline that came, and its mode.
enum Ownership {
    /// Claims the folder, or finds it claimed.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where it is another mode's, or where one of two pipelines
    ///   replaces what is there.
    static func claim(_ folder: OutputFolder, mode: WriteMode) throws {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("pipeline", folder.pipeline)
            writer.member("mode", mode.rawValue)
        }
        while true {
            // What a link leads to is somebody else's, and where that isn't there nothing can be made in its place.
            if try Entry(folder.owner) == .link {
                throw FileForWriting.Failure.refused("is a symbolic link").pipelineError(folder.owner)
            }
            if let owner = try owner(folder) {
                do { return try check(owner, folder, mode) } catch {
                    guard owner.pipeline == folder.pipeline, try folder.isLeftByFirstTry() else { throw error }
                }
                let claim = try Replacement(of: folder.owner, aside: folder.nascentOwner, with: writer.bytes)
                try claim.sync()
                try claim.replace()
                return try Files.sync(folder: folder.own)
            }
            let claim = try Replacement(of: folder.owner, aside: folder.nascentOwner, with: writer.bytes)
            try Failpoint.reach("ndjson.open.after-owner-write")
            try claim.sync()
            if try claim.create() { try Files.sync(folder: folder.own) }
        }
    }

    private static func owner(_ folder: OutputFolder) throws -> (pipeline: String, mode: String)? {
        try StandingFault.reading(
            folder.owner, hint: "Restore it, or delete it if all that is in \(folder.root) is this pipeline's."
        ) { root in
            (try root.string("pipeline"), try root.string("mode"))
        }
    }

    private static func check(
        _ owner: (pipeline: String, mode: String), _ folder: OutputFolder, _ mode: WriteMode
    ) throws {
        if owner.mode != mode.rawValue {
            throw PipelineError(
                .configuration,
                "\(folder.root) is written in mode '\(owner.mode)' by pipeline '\(owner.pipeline)'; this sink's mode is "
                    + "'\(mode.rawValue)'",
                hint: "Set mode: \(owner.mode), or name another path; or move \(folder.root) away to begin anew.")
        }
        if mode.holdsOneRun, owner.pipeline != folder.pipeline {
            throw PipelineError(
                .configuration,
                "\(folder.root) belongs to pipeline '\(owner.pipeline)': pipeline '\(folder.pipeline)' would replace "
                    + "what that one has written",
                hint: "Name another path for this pipeline.")
        }
    }
}
