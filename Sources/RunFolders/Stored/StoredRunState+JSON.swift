internal import PipelineCore
internal import StoreFormat

/// A run in the members of an object, `format` to `checkpoint`: history, checkpoint file and manifest all begin with them.
extension StoredRunState {
    /// Writes the members `format` to `checkpoint` of an object.
    func write(to writer: inout JSONWriter) {
        writer.member("format", format.number)
        writer.member("pipeline", pipeline)
        writer.member("shard", shard)
        if shards > 1 { writer.member("shards", shards) }
        writer.member("mode", mode.rawValue)
        writer.member("sequence", sequence)
        writer.key("run")
        writer.object { writer in
            writer.member("run_id", run.runID)
            writer.member("state", run.state.rawValue)
            writer.member("logical_date", run.logicalDate)
            writer.member("started_at", run.startedAt)
            writer.member("finished_at", run.finishedAt)
            writer.member("version", run.version)
            writer.member("listing_hash", run.listingHash)
            writer.key("timeline")
            if let timeline = run.timeline { writer.raw(timeline) } else { writer.null() }
        }
        writer.key("counts")
        writer.raw(checkpoint.counts.json)
        writer.key("checkpoint")
        writer.object { writer in
            let progress = checkpoint.progress
            writer.member("run_id", checkpoint.runID)
            writer.member("commit_number", checkpoint.commitNumber)
            writer.member("next_ordinal", progress.nextOrdinal)
            writer.member("consumed", progress.consumed)
            writer.key("input_ended")
            writer.value(progress.inputEnded)
            writer.key("position")
            writer.raw(progress.position.json)
            writer.key("parked")
            writer.raw(progress.parked.json)
            writer.member("input_hash", progress.inputHash)
            writer.member("source_state", progress.sourceState)
            writer.member("fingerprint", checkpoint.fingerprint)
        }
    }

    var json: [UInt8] { StoredJSON.text { write(to: &$0) } }

    /// - Parameter format: the document's, one that this version knows. What a later one has added may be missing.
    /// - Throws: `StoredJSON.Fault` where the file isn't what this program writes.
    init(_ root: JSONNode, _ format: StoreFormat) throws {
        let pipeline = try root.string("pipeline")
        let shard = try root.number("shard")
        let shards = try root["shards"] == nil ? 1 : root.number("shards")
        guard let mode = WriteMode(rawValue: try root.string("mode")) else {
            throw StoredJSON.Fault("its mode is unknown")
        }
        let sequence = try root.number("sequence")
        let record = try root.member("run")
        let point = try root.member("checkpoint")
        guard let state = RunState(rawValue: try record.string("state")) else {
            throw StoredJSON.Fault("its state is unknown")
        }
        let counts = try RunCounts(json: root.member("counts").compact)
        let run = RunRecord(
            runID: try record.string("run_id"), state: state, logicalDate: try record.string("logical_date"),
            startedAt: try record.string("started_at"), finishedAt: try record.textOrNull("finished_at"),
            counts: counts, version: try record.string("version"),
            listingHash: try record["listing_hash"] == nil ? nil : record.textOrNull("listing_hash"),
            timeline: record["timeline"].flatMap { $0.isNull ? nil : $0.compact })
        let checkpoint = Checkpoint(
            runID: try point.string("run_id"), commitNumber: try point.number("commit_number"),
            progress: RunProgress(
                nextOrdinal: try point.number("next_ordinal"),
                consumed: try point["consumed"] == nil ? nil : point.number("consumed"),
                inputEnded: try point.boolean("input_ended"),
                position: try Position(json: point.member("position").compact),
                parked: try [ParkedRecord](json: point.member("parked").compact),
                inputHash: try point.string("input_hash"), sourceState: try point.textOrNull("source_state")),
            counts: counts, fingerprint: try point.string("fingerprint"))
        self.init(
            format: format, pipeline: pipeline, shard: shard, shards: shards, mode: mode, sequence: sequence, run: run,
            checkpoint: checkpoint)
    }
}
