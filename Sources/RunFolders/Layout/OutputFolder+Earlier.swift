internal import LocalFiles
internal import PipelineCore
internal import StoreFormat

/// Folders of format 1, in which the published runs stand beside `current`: looked at as they are, and while they are brought to
/// the present format, which may be interrupted at any step.
extension OutputFolder {
    /// Where a published run's folder stands.
    ///
    /// - Parameter format: the folder's.
    func standing(_ stored: StoredRunState, _ format: StoreFormat) throws -> String {
        let place = published(stored)
        guard format < .current, try PathEntry(place) != .folder else { return place }
        let earlier = "\(root)/\(Self.publishedName(stored))"
        return try PathEntry(earlier) == .folder ? earlier : place
    }

    /// The folders in which published runs may stand.
    ///
    /// - Parameter format: the folder's.
    func places(_ format: StoreFormat) -> [String] { format < .current ? [listed, runs] : [runs] }

    /// Looks at the manifests that decide something: of the newest published runs, and of the one that `current` leads to.
    ///
    /// - Parameters:
    ///   - newest: of each shard that is looked at.
    ///   - format: the folder's.
    /// - Throws: `PipelineError` of kind `.configuration` where one is there and can't be understood.
    func checkManifests(newest: [StoredRunState], _ format: StoreFormat) throws {
        for run in newest { _ = try Manifest.state(in: standing(run, format)) }
        if let target = Files.target(ofLink: current), !target.hasPrefix("/") {
            _ = try Manifest.state(in: "\(root)/\(target)")
        }
    }

    /// Whether nothing here is such as an earlier version has left: no history, and no folder of a run beside `current`.
    func isFresh() throws -> Bool {
        guard try Files.names(in: records).isEmpty else { return false }
        return try !Files.names(in: listed).contains { name in
            try !name.hasPrefix(".") && !Self.entries.contains(name)
                && PathEntry("\(root)/\(name)/\(RunLayout.manifest)") == .file
        }
    }

    /// Whether a folder holds a published run of this sink's: its manifest says so, or the history does.
    ///
    /// - Parameter known: the names under which the history's complete runs are published.
    static func isRun(_ name: String, at path: String, known: Set<String>) throws -> Bool {
        guard try PathEntry(path) == .folder else { return false }
        if known.contains(name) { return true }
        do { return try Manifest.state(in: path).map(publishedName) == name } catch let error as PipelineError
            where error.kind == .configuration
        {
            // Nobody knows it, and it doesn't say itself what it is: somebody else's.
            return false
        }
    }

    /// - Throws: `PipelineError` of kind `.cantCreate` where something that isn't the sink's has the name that the folder of the
    ///   published runs is to have.
    func checkRuns(known: Set<String>) throws {
        switch try PathEntry(runs) {
        case .nothing: return
        case .folder: break
        default: throw Publication.isInTheWay(runs, "is no folder")
        }
        for name in try Files.names(in: runs) {
            let path = "\(runs)/\(name)"
            // What an interrupted migration leaves, before the run is in its place.
            if Files.target(ofLink: path) == Self.place(ofRun: name) { continue }
            guard try Self.isRun(name, at: path, known: known) else {
                throw Publication.isInTheWay(path, "isn't a run, where published runs are to stand")
            }
        }
    }
}
