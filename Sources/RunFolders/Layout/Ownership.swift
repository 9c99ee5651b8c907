internal import LocalFiles
internal import PipelineCore
internal import StoreFormat

/// Whose an output folder is: the first pipeline that came, and its mode; and the folder's format.
struct Ownership {
    var pipeline: String
    var mode: String
    var format: StoreFormat

    /// Claims the folder, or finds it claimed.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where it is another mode's, or where one of two pipelines
    ///   replaces what is there.
    static func claim(_ folder: OutputFolder, mode: WriteMode) throws {
        while true {
            if var owner = try read(folder) {
                do { return try owner.check(folder, mode) } catch {
                    guard owner.pipeline == folder.pipeline, try folder.isLeftByFirstTry() else { throw error }
                }
                owner.mode = mode.rawValue
                return try owner.write(folder)
            }
            let owner = Ownership(
                pipeline: folder.pipeline, mode: mode.rawValue, format: try FolderFormat(folder: folder).format())
            let claim = try Replacement(of: folder.owner, aside: folder.nascentOwner, with: owner.json)
            try Failpoint.reach("ndjson.open.after-owner-write")
            try claim.sync()
            if try claim.create() { try Files.sync(folder: folder.own) }
        }
    }

    /// Nil where nobody has claimed the folder.
    ///
    /// - Throws: `PipelineError`: `.configuration` where that can't be told, or a later version wrote it; `.cantCreate` for a
    ///   link.
    static func read(_ folder: OutputFolder) throws -> Ownership? {
        // What a link leads to is somebody else's, and where that isn't there nothing can be made in its place.
        if try PathEntry(folder.owner) == .link {
            throw FileForWriting.Failure.refused("is a symbolic link").pipelineError(folder.owner)
        }
        // The first version wrote no number here.
        return try StoredJSON.read(
            folder.owner, unmarked: .first,
            hint: "Restore it from a backup, or delete it if all that is in \(folder.listed) is this pipeline's."
        ) { root, format in
            Ownership(pipeline: try root.string("pipeline"), mode: try root.string("mode"), format: format)
        }
    }

    private var json: [UInt8] {
        StoredJSON.text { writer in
            writer.member("format", format.number)
            writer.member("pipeline", pipeline)
            writer.member("mode", mode)
        }
    }

    /// Takes the place of what is there, durably.
    func write(_ folder: OutputFolder) throws {
        let claim = try Replacement(of: folder.owner, aside: folder.nascentOwner, with: json)
        try claim.sync()
        try claim.replace()
        try Files.sync(folder: folder.own)
    }

    func check(_ folder: OutputFolder, _ mode: WriteMode) throws {
        if self.mode != mode.rawValue {
            throw PipelineError(
                .configuration,
                "\(folder.root) is written in mode '\(self.mode)' by pipeline '\(pipeline)'; this sink's mode is "
                    + "'\(mode.rawValue)'",
                hint: "Set mode: \(self.mode), or name another path; or move \(folder.root) away to begin anew.")
        }
        if mode.holdsOneRun, pipeline != folder.pipeline {
            throw PipelineError(
                .configuration,
                "\(folder.root) belongs to pipeline '\(pipeline)': pipeline '\(folder.pipeline)' would replace "
                    + "what that one has written",
                hint: "Name another path for this pipeline.")
        }
    }
}
