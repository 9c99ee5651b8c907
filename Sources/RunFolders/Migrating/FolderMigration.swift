internal import LocalFiles
internal import PipelineCore
internal import StoreFormat

/// Format 1 to 2: published runs move from the sink's path into `runs`, and the history says more.
///
/// `current` leads to a whole run at every moment: a run's folder changes places with a link to where it is then. Of what is
/// published no byte changes, manifests included; they keep their own number. Runs of other pipelines and shards move too. What
/// isn't a run stays where it is.
struct FolderMigration {
    let folder: OutputFolder

    static var steps: Migrations<FolderFormat> {
        Migrations([.init(to: StoreFormat(2)) { try FolderMigration(folder: $0.folder).perform() }])
    }

    /// The names under which the complete runs of the history are published, of all pipelines and shards.
    static func publishedNames(in folder: OutputFolder) throws -> Set<String> {
        Set(
            try RunHistory.all(in: folder).map(\.stored).filter(\.run.state.isPublished)
                .map(OutputFolder.publishedName))
    }

    private func perform() throws {
        // All that may stop it comes before the first change.
        if let run = try EarlierRun.unfinishedOfAny(in: folder) { throw run.refusal(in: folder) }
        let known = try Self.publishedNames(in: folder)
        try folder.checkRuns(known: known)
        try Latest.checkPlace(folder)
        try moveRuns(known)
        try pointCurrent()
        try removeLinks()
        try nameLatest()
        try rewriteHistory()
    }

    private func moveRuns(_ known: Set<String>) throws {
        for name in try Files.names(in: folder.listed)
        where !name.hasPrefix(".") && !OutputFolder.entries.contains(name) {
            let (old, new) = ("\(folder.root)/\(name)", "\(folder.runs)/\(name)")
            guard try OutputFolder.isRun(name, at: old, known: known) else { continue }
            switch try PathEntry(new) {
            case .nothing: break
            case .link: try Files.remove(new)
            default: throw Publication.isInTheWay(new, "\(old) is the same run")
            }
            try folder.makeRuns()
            try Files.link(to: OutputFolder.place(ofRun: name), at: new)
            try Failpoint.reach("ndjson.migrate.after-link")
            if try !Files.exchange(new, old) {
                // On such a file system a reader of this moment finds nothing there.
                try Files.remove(new)
                try Files.move(old, to: new)
                try Failpoint.reach("ndjson.migrate.after-move")
                try Files.link(to: OutputFolder.place(ofRun: name), at: old)
            }
            try Failpoint.reach("ndjson.migrate.after-exchange")
        }
        guard try PathEntry(folder.runs) == .folder else { return }
        try Files.sync(folder: folder.runs)
        try Files.sync(folder: folder.listed)
        try Failpoint.reach("ndjson.migrate.after-runs-fsync")
    }

    private func pointCurrent() throws {
        guard let name = Files.target(ofLink: folder.current), !name.utf8.contains(UInt8(ascii: "/")),
            try PathEntry("\(folder.runs)/\(name)") == .folder
        else { return }
        try Files.remove(folder.nascentLink)
        try Files.link(to: OutputFolder.place(ofRun: name), at: folder.nascentLink)
        try Failpoint.reach("ndjson.migrate.after-current-link")
        try Files.move(folder.nascentLink, to: folder.current)
        try Failpoint.reach("ndjson.migrate.after-current")
        try Files.sync(folder: folder.listed)
    }

    /// Removes the links that stand where the runs were.
    private func removeLinks() throws {
        for name in try Files.names(in: folder.listed) {
            let path = "\(folder.root)/\(name)"
            guard Files.target(ofLink: path) == OutputFolder.place(ofRun: name) else { continue }
            try Files.remove(path)
            try Failpoint.reach("ndjson.migrate.after-old-link")
        }
        try Files.sync(folder: folder.listed)
    }

    /// Where `current` leads to a run, `latest.json` names it.
    private func nameLatest() throws {
        guard let target = Files.target(ofLink: folder.current), !target.hasPrefix("/"),
            let stored = try Manifest.state(in: "\(folder.root)/\(target)"), folder.linkTarget(stored) == target
        else { return }
        try Latest.name(stored, in: folder)
        try Failpoint.reach("ndjson.migrate.after-latest")
    }

    private func rewriteHistory() throws {
        for (path, record) in try RunHistory.all(in: folder) where record.format < .current {
            var stored = record
            stored.format = .current
            try Replacement.write(stored.json, to: path, in: folder.records)
            try Failpoint.reach("ndjson.migrate.after-record")
        }
    }
}
