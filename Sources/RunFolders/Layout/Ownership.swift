internal import LocalFiles
internal import PipelineCore

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
            if try PathEntry(folder.owner) == .link {
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
        try StoredJSON.read(
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
