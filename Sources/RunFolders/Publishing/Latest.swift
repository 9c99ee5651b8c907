internal import LocalFiles
internal import PipelineCore
internal import StoreFormat

/// What `latest.json` says: which run `current` leads to, for a copy of the folder in a store without links.
enum Latest {
    /// Names a run that stands in its place, durably. A run without a manifest isn't named.
    static func name(_ stored: StoredRunState, in folder: OutputFolder) throws {
        let place = folder.linkTarget(stored)
        let manifest = "\(place)/\(RunLayout.manifest)"
        guard try PathEntry("\(folder.root)/\(manifest)") == .file else { return }
        let text = StoredJSON.text { writer in
            writer.member("format", StoreFormat.current.number)
            writer.member("pipeline", stored.pipeline)
            writer.member("run_id", stored.run.runID)
            writer.member("path", place)
            writer.member("manifest", manifest)
            writer.member("logical_date", stored.run.logicalDate)
            writer.member("finished_at", stored.run.finishedAt)
        }
        if try Files.contents(of: folder.latest) == text { return }
        let replacement = try Replacement(of: folder.latest, aside: folder.nascentLatest, with: text)
        try Failpoint.reach("ndjson.publish.after-latest-write")
        try replacement.sync()
        try checkPlace(folder)
        try replacement.replace()
        try Failpoint.reach("ndjson.publish.after-latest")
        try Files.sync(folder: folder.listed)
        try Failpoint.reach("ndjson.publish.after-latest-fsync")
    }

    /// - Throws: `PipelineError`: `.cantCreate` where something stands there that this program hasn't written,
    ///   `.configuration` where a later version has.
    static func checkPlace(_ folder: OutputFolder) throws {
        let isOwn: Bool
        switch try PathEntry(folder.latest) {
        case .nothing: return
        case .file: isOwn = try isLatest(folder.latest)
        default: isOwn = false
        }
        guard isOwn else { throw Publication.isInTheWay(folder.latest, "isn't what this program writes there") }
    }

    /// What can't be read is somebody else's: it stays, and the run is refused.
    private static func isLatest(_ path: String) throws -> Bool {
        guard let bytes = try Files.contents(of: path), let root = try? JSONTape(decoding: bytes).root,
            let number = root["format"]?.integer, root["run_id"]?.text != nil, root["path"]?.text != nil
        else { return false }
        try StoreFormat(Int(number)).check(of: path)
        return true
    }
}
