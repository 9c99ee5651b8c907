internal import LocalFiles
internal import PipelineCore

/// Looks at the runs and the published files under a sink's path.
///
/// Each file that says how a run stands is replaced at once, and published files never change: nothing needs a lock.
actor NDJSONSinkReader: SinkReader {
    private let executor = BlockingExecutor(label: "ndjson.reader")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let sink: NDJSONSink
    private let context: SinkReadingContext
    private var scan: PublishedRows?

    init(_ sink: NDJSONSink, _ context: SinkReadingContext) {
        self.sink = sink
        self.context = context
    }

    func close() { scan = nil }

    /// Nil where there is no folder yet.
    private func root() throws -> String? {
        guard let root = try Folder.existing(sink.target) else { return nil }
        guard try Entry(root) == .folder else {
            throw PipelineError(.noInput, "\(sink.target) is no folder", hint: "Name the folder of the runs.")
        }
        return root
    }

    private func folder(_ root: String, shard: Int) -> OutputFolder {
        OutputFolder(existing: root, pipeline: context.pipeline, shard: shard)
    }

    // MARK: Runs

    func runs() throws -> StoredRuns {
        var result = StoredRuns(isKeyed: false)
        var standings = try Self.reading { try self.standings(&result.neighbours) }
        let held = try locks(of: standings)
        // A run whose lock was free is looked at once more: it may have ended just before.
        if held.values.contains(where: { $0 != true }) {
            standings = try Self.reading { try self.standings(&result.neighbours) }
        }
        let heldNow = try locks(of: standings)
        // The checkpoint of an earlier run says nothing that its record doesn't.
        var newest: [Int: Int] = [:]
        for standing in standings { newest[standing.shard] = max(newest[standing.shard] ?? 0, standing.sequence) }
        result.runs = standings.map { standing in
            let checkpoint = standing.checkpoint
            let progress = StoredProgress(
                commitNumber: checkpoint.commitNumber, nextOrdinal: checkpoint.progress.nextOrdinal,
                inputEnded: checkpoint.progress.inputEnded, parked: checkpoint.progress.parked.count)
            return StoredRun(
                shard: standing.shard, shards: standing.shards, record: standing.run,
                progress: newest[standing.shard] == standing.sequence ? progress : nil,
                isUnderWay: held[standing.shard] == true ? true : heldNow[standing.shard] ?? nil)
        }
        return result
    }

    /// Whether the lock is held, of each shard that has an unfinished run.
    private func locks(of standings: [RunStanding]) throws -> [Int: Bool?] {
        guard let root = try root() else { return [:] }
        var locks: [Int: Bool?] = [:]
        for standing in standings where standing.run.state == .running {
            let own = folder(root, shard: standing.shard)
            // Somebody may have deleted the lock file; its holder has marked the folder's owner file.
            let isMarked = !RunLock.marked(own.owner, of: ["\(context.pipeline).\(standing.shard)"]).isEmpty
            locks[standing.shard] = .some(isMarked ? true : RunLock.isHeld(path: own.lock))
        }
        return locks
    }

    /// Every run as it stands, in the order in which they began.
    private func standings(_ neighbours: inout [String]) throws -> [RunStanding] {
        guard let root = try root() else { return [] }
        var found: [String: RunStanding] = [:]
        var others: Set<String> = []
        func note(_ standing: RunStanding) {
            guard standing.pipeline == context.pipeline else {
                others.insert(standing.pipeline)
                return
            }
            let key = "\(standing.run.runID).\(standing.shard)"
            if found[key].map({ $0.sequence <= standing.sequence }) ?? true { found[key] = standing }
        }
        let own = folder(root, shard: 0)
        for name in try Files.names(in: own.runs) where name.hasSuffix(".json") {
            if let standing = try StandingFault.reading("\(own.runs)/\(name)", { try RunStanding($0) }) {
                note(standing)
            }
        }
        // Where only what is published was moved here.
        for name in try Files.names(in: root) where own.names(name) {
            guard try Entry("\(root)/\(name)") == .folder, try !own.knows(name),
                let standing = try Manifest.standing(in: "\(root)/\(name)")
            else { continue }
            if OutputFolder.publishedName(standing) == name { note(standing) }
        }
        for (key, standing) in found where standing.run.state == .running || standing.run.state == .unpublished {
            found[key] = try underWay(standing, folder(root, shard: standing.shard))
        }
        neighbours = others.sorted()
        return found.values.sorted { ($0.run.startedAt, $0.sequence) < ($1.run.startedAt, $1.sequence) }
    }

    /// A run as its checkpoint has it; until its record says so it isn't complete, because its files aren't in place.
    private func underWay(_ standing: RunStanding, _ folder: OutputFolder) throws -> RunStanding {
        guard let checkpoint = try RunCheckpoint.read(in: folder.underWay(standing.run.runID)),
            checkpoint.standing.sequence == standing.sequence
        else {
            // It may have been published at this very moment.
            let path = folder.history(standing.run.runID)
            return try StandingFault.reading(path) { try RunStanding($0) } ?? standing
        }
        var result = checkpoint.standing
        result.run.counts = result.checkpoint.counts
        if result.run.state == .complete { result.run.state = .running }
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
        return try standings(&ignored).filter { $0.run.runID == runID && $0.run.state == .complete }
            .sorted { $0.shard < $1.shard }
            .map { standing in
                let path = folder(root, shard: standing.shard).published(standing)
                return (path, try PublishedManifest.read(in: path))
            }
    }

    func account(ofRun runID: String) throws -> StoreAccount {
        try Self.reading {
            var account = StoreAccount()
            for (path, manifest) in try published(runID) {
                guard let manifest else {
                    account.faults.append("\(path) is gone, or has no \(Manifest.name)")
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
            return PublishedRows(table, files: files)
        }
    }

    func nextRows() throws -> RowBuffer? { try scan?.next() }
}

extension OutputFolder {
    /// Whether the run that is published under a name has a record; only a glance at names.
    fileprivate func knows(_ name: String) throws -> Bool {
        // The first shard's record has the run's own name.
        let record = name.hasSuffix(".shard0") ? String(name.dropLast(".shard0".count)) : name
        return try Entry("\(runs)/\(record).json") == .file
    }
}
