internal import LocalFiles
internal import PipelineCore
internal import StoreFormat

/// An output folder as something with a format. The number is that in `owner.json`, and it is the whole folder's: also of what
/// other pipelines and shards have there.
struct FolderFormat: VersionedStore {
    let folder: OutputFolder

    var place: String { folder.owner }

    /// Where nobody has claimed the folder, what is there may be of any format: it is looked for everywhere.
    func format() throws -> StoreFormat {
        if let owner = try Ownership.read(folder) { return owner.format }
        return try folder.isFresh() ? .current : .first
    }

    /// Files can't be changed all at once: each of a step's changes may be done again, and no reader misses anything between
    /// them. The number comes last. Meanwhile nobody else writes here, whatever the pipeline or shard.
    func migrate(_ body: () throws -> StoreFormat) throws {
        let lock = try RunLock(path: folder.formatLock, subject: "the migration of \(folder.listed)")
        defer { lock.release() }
        try Failpoint.reach("ndjson.migrate.locked")
        guard try format() < .current else { return }
        let others = try lockOthers()
        defer { for other in others { other.release() } }
        let format = try body()
        guard var owner = try Ownership.read(folder) else {
            throw PipelineError(.ioError, "\(folder.owner) is gone", hint: "Run again.")
        }
        owner.format = format
        try Failpoint.reach("ndjson.migrate.before-number")
        try owner.write(folder)
        try Failpoint.reach("ndjson.migrate.done")
    }

    /// Keeps out every other pipeline and shard that has ever been here, those of an earlier version included.
    ///
    /// - Throws: `PipelineError` of kind `.temporary` where one is at work.
    private func lockOthers() throws -> [RunLock] {
        var owners: Set<OutputFolder> = []
        for name in try Files.names(in: folder.own) {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2] == "lock", let shard = Int(parts[1]) else { continue }
            owners.insert(folder.of(String(parts[0]), shard: shard))
        }
        for (_, stored) in try RunHistory.all(in: folder) { owners.insert(folder.of(stored)) }
        owners.remove(folder)
        return try owners.sorted { $0.mark < $1.mark }.map { other in
            // One of this version that has come at the same time goes again at once, because it can't migrate either.
            let lock = try RunLock(
                path: other.lock,
                subject: "pipeline '\(other.pipeline)' (shard \(other.shard)) at \(folder.listed)",
                patience: .seconds(1))
            try lock.mark(folder.owner, as: other.mark)
            return lock
        }
    }
}
