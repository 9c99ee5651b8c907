internal import LocalFiles
internal import PipelineCore

/// Looks at the runs and the published files under a sink's path.
///
/// Each file that says how a run stands is replaced at once, and published files never change: nothing needs a lock.
actor RunFolderReader: SinkReader {
    private let executor: BlockingExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let store: RunFolderStore
    private let context: SinkReadingContext
    private var scan: PublishedRows?

    init(_ store: RunFolderStore, _ context: SinkReadingContext) {
        self.store = store
        self.context = context
        executor = BlockingExecutor(label: "\(store.label).reader")
    }

    func close() { scan = nil }

    /// Nil where there is no folder yet.
    private func root() throws -> String? {
        guard let root = try Folder.existing(store.path) else { return nil }
        guard try PathEntry(root) == .folder else {
            throw PipelineError(.noInput, "\(store.path) is no folder", hint: "Name the folder of the runs.")
        }
        return root
    }

    private func folder(_ root: String, shard: Int) -> OutputFolder {
        OutputFolder(existing: root, pipeline: context.pipeline, shard: shard)
    }

    // MARK: Runs

    func runs() throws -> StoredRuns {
        var result = StoredRuns(isKeyed: false)
        var storedRuns = try Self.reading { try self.storedRuns(&result.neighbours) }
        let held = try locks(of: storedRuns)
        // A run whose lock was free is looked at once more: it may have ended just before.
        if held.values.contains(where: { $0 != true }) {
            storedRuns = try Self.reading { try self.storedRuns(&result.neighbours) }
        }
        let heldNow = try locks(of: storedRuns)
        // The checkpoint of an earlier run says nothing that its record doesn't.
        var newest: [Int: Int] = [:]
        for stored in storedRuns { newest[stored.shard] = max(newest[stored.shard] ?? 0, stored.sequence) }
        result.runs = storedRuns.map { stored in
            let checkpoint = stored.checkpoint
            let progress = StoredProgress(
                commitNumber: checkpoint.commitNumber, nextOrdinal: checkpoint.progress.nextOrdinal,
                inputEnded: checkpoint.progress.inputEnded, parked: checkpoint.progress.parked.count)
            return StoredRun(
                shard: stored.shard, shards: stored.shards, record: stored.run,
                progress: newest[stored.shard] == stored.sequence ? progress : nil,
                isUnderWay: held[stored.shard] == true ? true : heldNow[stored.shard] ?? nil)
        }
        return result
    }

    /// Whether the lock is held, of each shard that has an unfinished run.
    private func locks(of storedRuns: [StoredRunState]) throws -> [Int: Bool?] {
        guard let root = try root() else { return [:] }
        var locks: [Int: Bool?] = [:]
        for stored in storedRuns where stored.run.state == .running {
            let own = folder(root, shard: stored.shard)
            // Somebody may have deleted the lock file; its holder has marked the folder's owner file.
            let isMarked = !RunLock.marked(own.owner, of: [own.mark]).isEmpty
            locks[stored.shard] = .some(isMarked ? true : RunLock.isHeld(path: own.lock))
        }
        return locks
    }

    /// Every run as it stands, in the order in which they began.
    private func storedRuns(_ neighbours: inout [String]) throws -> [StoredRunState] {
        guard let root = try root() else { return [] }
        var found: [String: StoredRunState] = [:]
        var others: Set<String> = []
        func note(_ stored: StoredRunState) {
            guard stored.pipeline == context.pipeline else {
                others.insert(stored.pipeline)
                return
            }
            let key = "\(stored.run.runID).\(stored.shard)"
            if found[key].map({ $0.sequence <= stored.sequence }) ?? true { found[key] = stored }
        }
        let own = folder(root, shard: 0)
        let format = try FolderFormat(folder: own).format()
        for (_, stored) in try RunHistory.all(in: own) { note(stored) }
        let published = Dictionary(grouping: found.values.filter(\.run.state.isPublished), by: \.shard)
        try own.checkManifests(
            newest: published.values.compactMap { $0.max { $0.sequence < $1.sequence } }, format)
        // Where only what is published was moved here.
        for (name, path) in try own.places(format).flatMap({ try own.publishedFolders(in: $0) }) {
            guard try !own.knows(name), let stored = try Manifest.state(in: path) else { continue }
            if OutputFolder.publishedName(stored) == name { note(stored) }
        }
        for (key, stored) in found where stored.isUnfinished {
            found[key] = try underWay(stored, folder(root, shard: stored.shard))
        }
        neighbours = others.sorted()
        return found.values.sorted { ($0.run.startedAt, $0.sequence) < ($1.run.startedAt, $1.sequence) }
    }

    /// A run as its checkpoint has it; until its record says so it isn't complete, because its files aren't in place.
    private func underWay(_ stored: StoredRunState, _ folder: OutputFolder) throws -> StoredRunState {
        guard let checkpoint = try RunCheckpoint.read(in: folder.underWay(stored.run.runID)),
            checkpoint.stored.sequence == stored.sequence
        else {
            // It may have been published at this very moment.
            return try RunHistory.state(at: folder.record(stored.run.runID)) ?? stored
        }
        var result = checkpoint.stored
        result.run.counts = result.checkpoint.counts
        if result.run.state.isPublished { result.run.state = .running }
        return result
    }

    /// What couldn't be read is missing input to whoever looks.
    static func reading<R>(_ body: () throws -> R) throws -> R {
        do { return try body() } catch var error as PipelineError
            where error.kind == .ioError || error.kind == .cantCreate
        {
            error.kind = .noInput
            error.hint = "Check that the user who runs this may read it, and its disk."
            throw error
        }
    }

    // MARK: Rows

    /// The run's folders, one for each shard, in the order of shards.
    private func published(_ runID: String) throws -> [(path: String, manifest: PublishedManifest?)] {
        guard let root = try root() else { return [] }
        var ignored: [String] = []
        let format = try FolderFormat(folder: folder(root, shard: 0)).format()
        return try storedRuns(&ignored).filter { $0.run.runID == runID && $0.run.state.isPublished }
            .sorted { $0.shard < $1.shard }
            .map { stored in
                let path = try folder(root, shard: stored.shard).standing(stored, format)
                return (path, try PublishedManifest.read(in: path))
            }
    }

    func account(ofRun runID: String) throws -> StoreAccount {
        try Self.reading {
            var account = StoreAccount()
            for (path, manifest) in try published(runID) {
                guard let manifest else {
                    account.faults.append("\(path) is gone, or has no \(RunLayout.manifest)")
                    continue
                }
                for table in context.tables { account.rows[table.name, default: 0] += 0 }
                for file in manifest.files {
                    account.rows[file.table, default: 0] += file.rows
                    if let fault = file.fault(in: path) { account.alterations.append("\(path)/\(file.path) \(fault)") }
                }
            }
            return account
        }
    }

    func read(_ table: TableDefinition, ofRun runID: String) throws {
        scan = try Self.reading {
            let files = try published(runID).flatMap { path, manifest in
                (manifest?.files ?? []).filter { $0.table == table.name }.map { "\(path)/\($0.path)" }
            }
            return PublishedRows(table, store.format, files: files)
        }
    }

    func nextRows() throws -> RowBuffer? { try scan?.next() }
}
