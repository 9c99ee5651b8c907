internal import LocalFiles
internal import PipelineCore
internal import StoreFormat

/// A look at a sink's folder before a run, on an executor of its own.
actor RunFolderInspection {
    private let executor: BlockingExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let store: RunFolderStore
    private let context: SinkContext

    init(_ store: RunFolderStore, _ context: SinkContext) {
        self.store = store
        self.context = context
        executor = BlockingExecutor(label: "\(store.label).inspection")
    }

    func perform() throws -> SinkInspection {
        let place = try WritablePlace(folder: store.path)
        let room = place.room.map { [$0] } ?? []
        guard !place.isMissing, let root = try Folder.existing(store.path) else {
            return SinkInspection(
                findings: [.ok("the folder will be made")] + room, steps: ["make the folder \(store.path)"])
        }
        let folder = OutputFolder(existing: root, pipeline: context.pipeline, shard: context.shard)
        var result = SinkInspection()
        if let owner = try Ownership.read(folder) {
            do { try owner.check(folder, store.mode) } catch {
                guard owner.pipeline == folder.pipeline, try folder.isLeftByFirstTry() else { throw error }
            }
            _ = try WritablePlace(folder: folder.own)
        } else {
            try folder.checkRuns(known: FolderMigration.publishedNames(in: folder))
        }
        let format = try FolderFormat(folder: folder).format()
        let history = try RunHistory(folder, format)
        try folder.checkManifests(newest: history.newestPublished.map { [$0] } ?? [], format)
        if format < .current {
            result.steps.append("bring \(store.path) from format \(format) to \(StoreFormat.current)")
        }
        if let unfinished = try EarlierRun.unfinished(in: folder, history) {
            result.state = state(unfinished.stored, fault: unfinished.refusal(in: folder))
        } else if let newest = history.newest {
            result.state = standing(newest, folder)
            result.existingTables = context.tables.map(\.name)
        }
        result.findings.append(.ok(history.newest == nil ? "the folder holds no run yet" : "the folder fits"))
        if RunLock.isHeld(path: folder.lock) == true || !RunLock.marked(folder.owner, of: [folder.mark]).isEmpty {
            result.findings.append(
                .doubt("a run of this pipeline is under way there", hint: "A second one would end with 75."))
        }
        result.findings += room
        return result
    }

    /// A run as its checkpoint file has it: its record is as of its beginning.
    private func standing(_ record: StoredRunState, _ folder: OutputFolder) -> SinkState {
        guard record.isUnfinished else { return state(record, fault: nil) }
        do {
            guard let checkpoint = try RunCheckpoint.read(in: folder.underWay(record.run.runID)),
                checkpoint.stored.sequence == record.sequence
            else { return state(record, fault: folder.fault(of: record)) }
            return state(checkpoint.stored, fault: folder.fault(of: checkpoint.stored))
        } catch {
            return state(
                record,
                fault: error as? PipelineError ?? PipelineError(.software, "\(error)", hint: "Please report it."))
        }
    }

    private func state(_ stored: StoredRunState, fault: PipelineError?) -> SinkState {
        SinkState(lastRun: stored.run, checkpoint: stored.checkpoint, fault: fault)
    }
}
