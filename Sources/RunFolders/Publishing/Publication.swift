internal import LocalFiles
internal import PipelineCore

/// Puts a complete run where readers look. Every step may be done again: after a crash the next session goes on.
///
/// The run's folder keeps its checkpoint file until all else is done; by that a publication under way is known.
struct Publication {
    let folder: OutputFolder
    let stored: StoredRunState
    /// Takes what is worth a line in the log, though it ends no run.
    let warn: @Sendable (String) -> Void

    private var runID: String { stored.run.runID }

    /// - Throws: `PipelineError`; the run is complete all the same, and is published when the sink is opened again.
    func perform(_ history: inout RunHistory) throws {
        try Failpoint.reach("ndjson.publish.before-history")
        if history[runID] != stored { try history.write(stored) }
        try Failpoint.reach("ndjson.publish.after-history")
        try folder.nameTables(in: folder.underWay(runID))
        try moveIntoPlace()
        try pointCurrent()
        // No shard is the whole run.
        if !stored.isSharded { try Latest.name(stored, in: folder) }
        removeOlderRuns()
        try Failpoint.reach("ndjson.publish.before-last-step")
        try Files.remove("\(folder.published(stored))/\(RunLayout.checkpoint)")
        try Files.sync(folder: folder.published(stored))
        try Failpoint.reach("ndjson.publish.done")
        do { try folder.emptyTrash() } catch { warn("what an older run left can't be deleted: \(error)") }
    }

    /// - Throws: `PipelineError` of kind `.cantCreate` where something that isn't the sink's stands in a run's way.
    static func checkPlace(_ folder: OutputFolder, _ stored: StoredRunState) throws {
        let place = folder.published(stored)
        switch try PathEntry(folder.runs) {
        case .nothing, .folder: break
        default: throw Self.isInTheWay(folder.runs, "is no folder")
        }
        var isFree = try PathEntry(place) == .nothing
        if !isFree, let there = try Manifest.state(in: place), folder.owns(there),
            there.run.runID == stored.run.runID
        {
            isFree = true
        }
        guard isFree else { throw Self.isInTheWay(place, "isn't a run of this pipeline") }
        if !stored.isSharded {
            switch try PathEntry(folder.current) {
            case .nothing, .link: break
            default: throw Self.isInTheWay(folder.current, "isn't a symbolic link")
            }
            try Latest.checkPlace(folder)
        }
    }

    /// - Throws: `PipelineError` of kind `.cantCreate` where the run is published under a name that it wouldn't get now, and
    ///   its rows would stand there twice.
    static func checkNames(_ folder: OutputFolder, _ stored: StoredRunState) throws {
        let other = folder.publishedOtherwise(stored)
        guard let there = try Manifest.state(in: other), folder.owns(there), there.run.runID == stored.run.runID
        else { return }
        throw Self.isInTheWay(
            other, "has the same run, \(stored.isSharded ? "of which this is a shard" : "one shard of it")")
    }

    static func isInTheWay(_ path: String, _ what: String) -> PipelineError {
        PipelineError(
            .cantCreate, "\(path) exists already and \(what)", hint: "Move it away and run again, or name another path."
        )
    }

    /// Renames the run's folder. An earlier form of the same run gives way to it at once.
    private func moveIntoPlace() throws {
        let (made, place) = (folder.underWay(runID), folder.published(stored))
        guard try PathEntry("\(made)/\(RunLayout.checkpoint)") != .nothing else { return }
        try Self.checkPlace(folder, stored)
        try folder.makeRuns()
        if try PathEntry(place) == .nothing {
            try Files.move(made, to: place)
        } else if try Files.exchange(made, place) {
            try Failpoint.reach("ndjson.publish.after-exchange")
            try folder.discard(made)
        } else {
            try folder.discard(place)
            try Failpoint.reach("ndjson.publish.between-renames")
            try Files.move(made, to: place)
        }
        try Failpoint.reach("ndjson.publish.after-rename")
        try Files.sync(folder: folder.runs)
        try Files.sync(folder: folder.own)
        try Failpoint.reach("ndjson.publish.after-rename-fsync")
    }

    /// No shard is the whole run: `current` stays where it is.
    private func pointCurrent() throws {
        let target = folder.linkTarget(stored)
        guard !stored.isSharded, Files.target(ofLink: folder.current) != target else { return }
        try Files.remove(folder.nascentLink)
        try Files.link(to: target, at: folder.nascentLink)
        try Failpoint.reach("ndjson.publish.after-link")
        try Self.checkPlace(folder, stored)
        try Files.move(folder.nascentLink, to: folder.current)
        try Failpoint.reach("ndjson.publish.after-current")
        try Files.sync(folder: folder.listed)
        try Failpoint.reach("ndjson.publish.after-current-fsync")
    }

    /// Of a `replace` the run before this one stays, for readers who are still at it; older ones go.
    private func removeOlderRuns() {
        guard stored.mode.holdsOneRun else { return }
        do {
            var older: [(path: String, sequence: Int)] = []
            for (name, path) in try folder.publishedFolders(in: folder.runs) where path != folder.published(stored) {
                let there: StoredRunState?
                do { there = try Manifest.state(in: path) } catch {
                    warn("an older run isn't removed, because it can't be told what it is: \(error)")
                    continue
                }
                guard let run = there, folder.owns(run), run.mode.holdsOneRun, name == OutputFolder.publishedName(run)
                else { continue }
                older.append((path, run.sequence))
            }
            for run in older.sorted(by: { $0.sequence > $1.sequence }).dropFirst() {
                try folder.discard(run.path)
                try Failpoint.reach("ndjson.publish.after-removal")
            }
        } catch {
            warn("the run is published, but an older one can't be removed from \(folder.runs): \(error)")
        }
    }
}
