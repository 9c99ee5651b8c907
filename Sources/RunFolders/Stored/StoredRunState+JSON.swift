internal import PipelineCore

/// A run in the members of an object, `format` to `checkpoint`: history, checkpoint file and manifest all begin with them.
extension StoredRunState {
    /// Writes the members `format` to `checkpoint` of an object.
    func write(to writer: inout JSONWriter) {
        writer.member("format", StoredJSON.format)
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
            writer.key("finished_at")
            writer.value(run.finishedAt)
            writer.member("version", run.version)
        }
        writer.key("counts")
        writer.raw(checkpoint.counts.json)
        writer.key("checkpoint")
        writer.object { writer in
            let progress = checkpoint.progress
            writer.member("run_id", checkpoint.runID)
            writer.member("commit_number", checkpoint.commitNumber)
            writer.member("next_ordinal", progress.nextOrdinal)
            writer.key("input_ended")
            writer.value(progress.inputEnded)
            writer.key("position")
            writer.raw(progress.position.json)
            writer.key("parked")
            writer.raw(progress.parked.json)
            writer.member("input_hash", progress.inputHash)
            writer.key("source_state")
            writer.value(progress.sourceState)
            writer.member("fingerprint", checkpoint.fingerprint)
        }
    }

    var json: [UInt8] { StoredJSON.text { write(to: &$0) } }

    /// - Throws: `StoredJSON.Fault` where the file isn't what this program writes.
    init(_ root: JSONNode) throws {
        try StoredJSON.checkFormat(of: root)
        let pipeline = try root.string("pipeline")
        let shard = try root.number("shard")
        let shards = try root["shards"] == nil ? 1 : root.number("shards")
        guard let mode = WriteMode(rawValue: try root.string("mode")) else {
            throw StoredJSON.Fault("has an unknown mode")
        }
        let sequence = try root.number("sequence")
        let record = try root.member("run")
        let point = try root.member("checkpoint")
        guard let state = RunState(rawValue: try record.string("state")) else {
            throw StoredJSON.Fault("has an unknown state")
        }
        let counts = try RunCounts(json: root.member("counts").compact)
        let run = RunRecord(
            runID: try record.string("run_id"), state: state, logicalDate: try record.string("logical_date"),
            startedAt: try record.string("started_at"), finishedAt: try record.member("finished_at").text,
            counts: counts, version: try record.string("version"))
        let checkpoint = Checkpoint(
            runID: try point.string("run_id"), commitNumber: try point.number("commit_number"),
            progress: RunProgress(
                nextOrdinal: try point.number("next_ordinal"),
                inputEnded: try point.member("input_ended").boolean ?? false,
                position: try Position(json: point.member("position").compact),
                parked: try [ParkedRecord](json: point.member("parked").compact),
                inputHash: try point.string("input_hash"), sourceState: try point.member("source_state").text),
            counts: counts, fingerprint: try point.string("fingerprint"))
        self.init(
            pipeline: pipeline, shard: shard, shards: shards, mode: mode, sequence: sequence, run: run,
            checkpoint: checkpoint)
    }
}
