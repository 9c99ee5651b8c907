internal import LocalFiles
internal import PipelineCore

/// What an opening session does about whatever a crash has left half done: publications are finished, leftovers go.
struct Recovery {
    let folder: OutputFolder
    /// Takes what is worth a line in the log, though it ends no run.
    let warn: @Sendable (String) -> Void

    /// Afterwards the history has each run under way as its checkpoint file has it.
    func perform(_ history: inout RunHistory) throws {
        for path in [
            folder.nascent, folder.nascentLink, folder.nascentOwner, folder.nascentLatest, folder.trash,
        ] {
            try Files.remove(path)
        }
        try Failpoint.reach("ndjson.open.after-removal")
        for name in try Files.names(in: folder.own) {
            let path = "\(folder.own)/\(name)"
            guard try PathEntry(path) == .folder, path != folder.records else { continue }
            try judge(path, &history)
        }
        // The folder of a complete run is in its place, but not all was done: its checkpoint file is still there.
        if let newest = history.newest, newest.run.state.isPublished,
            try PathEntry("\(folder.published(newest))/\(RunLayout.checkpoint)") == .file
        {
            try publish(newest, &history)
        }
        try folder.emptyTrash()
    }

    /// One folder among those of runs under way.
    private func judge(_ path: String, _ history: inout RunHistory) throws {
        let checkpoint: RunCheckpoint?
        let manifest: StoredRunState?
        do {
            checkpoint = try RunCheckpoint.read(in: path)
            manifest = try checkpoint == nil ? Manifest.state(in: path) : nil
        } catch {
            // Whose it is can't be told. Where it is this pipeline's newest run, the sink's state says what is wrong.
            return
        }
        guard let stored = checkpoint?.stored ?? manifest, folder.owns(stored),
            path == folder.underWay(stored.run.runID)
        else { return }
        if history[stored.run.runID] == nil, checkpoint != nil, stored.checkpoint.commitNumber > 0,
            stored.sequence > history.newest?.sequence ?? 0
        {
            // Somebody deleted its record; what is committed is worth more than that.
            try history.write(stored)
            warn("the record of run \(stored.run.runID) was missing; it is made anew from the run's checkpoint")
        }
        guard let record = history[stored.run.runID], record.sequence == stored.sequence else {
            // Made by a `begin` that never finished, or the form of a run that gave way to a later one.
            return try folder.discard(path)
        }
        switch (record.run.state, stored.run.state) {
        case (.abandoned, _): try folder.discard(path)
        case (_, let state) where state.isPublished:
            if checkpoint != nil { try publish(stored, &history) } else { try folder.discard(path) }
        default: history.note(stored)
        }
    }

    private func publish(_ stored: StoredRunState, _ history: inout RunHistory) throws {
        try Failpoint.reach("ndjson.open.before-publish")
        try Publication(folder: folder, stored: stored, warn: warn).perform(&history)
        warn("run \(stored.run.runID) was complete; its publication, which was interrupted, is done now")
    }
}
