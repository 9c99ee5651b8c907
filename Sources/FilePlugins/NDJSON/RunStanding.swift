internal import PipelineCore

/// A run of one pipeline and shard with its checkpoint: what history, checkpoint file and manifest all hold.
struct RunStanding: Sendable, Equatable {
    var pipeline: String
    var shard: Int
    /// How many shards the run has; 1 where it isn't sharded.
    var shards: Int
    var mode: WriteMode
    /// Grows with each run that begins here: the newest run has the highest. A run done again has a new one.
    var sequence: Int
    var run: RunRecord
    var checkpoint: Checkpoint

    var isSharded: Bool { shards > 1 || shard > 0 }

    /// What the state becomes; run and checkpoint have the same counts.
    func ended(_ state: RunState, finishedAt: String, observed: RunCounts = RunCounts()) -> RunStanding {
        var result = self
        result.checkpoint = checkpoint.completed(observed: observed)
        result.run.state = state
        result.run.finishedAt = finishedAt
        result.run.counts = result.checkpoint.counts
        return result
    }

    // MARK: JSON

    /// The version of the three files' form.
    private static let format = 1

    /// Writes the members `format` to `checkpoint` of an object.
    func write(to writer: inout JSONWriter) {
        writer.member("format", Self.format)
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

    var json: [UInt8] {
        var writer = JSONWriter()
        writer.object { write(to: &$0) }
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    /// - Throws: `StandingFault` where the file isn't what this program writes.
    init(_ root: JSONNode) throws {
        guard try root.number("format") == Self.format else {
            throw StandingFault("was written by another version of this program")
        }
        pipeline = try root.string("pipeline")
        shard = try root.number("shard")
        shards = try root["shards"] == nil ? 1 : root.number("shards")
        guard let mode = WriteMode(rawValue: try root.string("mode")) else {
            throw StandingFault("has an unknown mode")
        }
        self.mode = mode
        sequence = try root.number("sequence")
        let record = try root.member("run")
        let point = try root.member("checkpoint")
        guard let state = RunState(rawValue: try record.string("state")) else {
            throw StandingFault("has an unknown state")
        }
        let counts = try RunCounts(json: root.member("counts").compact)
        run = RunRecord(
            runID: try record.string("run_id"), state: state, logicalDate: try record.string("logical_date"),
            startedAt: try record.string("started_at"), finishedAt: try record.member("finished_at").text,
            counts: counts, version: try record.string("version"))
        checkpoint = Checkpoint(
            runID: try point.string("run_id"), commitNumber: try point.number("commit_number"),
            progress: RunProgress(
                nextOrdinal: try point.number("next_ordinal"),
                inputEnded: try point.member("input_ended").boolean ?? false,
                position: try Position(json: point.member("position").compact),
                parked: try [ParkedRecord](json: point.member("parked").compact),
                inputHash: try point.string("input_hash"), sourceState: try point.member("source_state").text),
            counts: counts, fingerprint: try point.string("fingerprint"))
    }

    init(
        pipeline: String, shard: Int, shards: Int, mode: WriteMode, sequence: Int, run: RunRecord,
        checkpoint: Checkpoint
    ) {
        self.pipeline = pipeline
        self.shard = shard
        self.shards = shards
        self.mode = mode
        self.sequence = sequence
        self.run = run
        self.checkpoint = checkpoint
    }
}

/// What is wrong with a file of the sink's own, as a clause that follows its path.
struct StandingFault: Error {
    var clause: String

    init(_ clause: String) { self.clause = clause }

    /// Reads a JSON file of the sink's own; nil where there is none.
    ///
    /// - Throws: `PipelineError` that names the file: `.configuration` where it is damaged or of another version, which no
    ///   other attempt mends.
    static func reading<R>(
        _ path: String, hint: String = "Restore it from a backup, or run with --fresh to begin again.",
        _ body: (JSONNode) throws -> R
    ) throws -> R? {
        guard let bytes = try Files.contents(of: path) else { return nil }
        do { return try body(JSONTape(decoding: bytes).root) } catch {
            let clause = (error as? StandingFault)?.clause ?? "is damaged (\(error))"
            throw PipelineError(.configuration, "\(path) \(clause)", hint: hint)
        }
    }
}

extension JSONWriter {
    mutating func member(_ name: String, _ value: String) {
        key(name)
        self.value(value)
    }

    mutating func member(_ name: String, _ value: Int) {
        key(name)
        self.value(value)
    }

    fileprivate mutating func value(_ node: JSONNode) {
        switch node.kind {
        case .object:
            object { writer in
                for (name, value) in node.members {
                    writer.key(name)
                    writer.value(value)
                }
            }
        case .array: array { writer in for element in node.elements { writer.value(element) } }
        case .string: value(node.text ?? "")
        case .number: raw(node.numberText)
        case .true: value(true)
        case .false: value(false)
        case .null: null()
        }
    }
}

extension JSONNode {
    func member(_ name: String) throws -> JSONNode {
        guard let node = self[name] else { throw StandingFault("lacks '\(name)'") }
        return node
    }

    func string(_ name: String) throws -> String {
        guard let text = try member(name).text else { throw StandingFault("has a '\(name)' that isn't a text") }
        return text
    }

    func number(_ name: String) throws -> Int {
        guard let number = try member(name).integer else {
            throw StandingFault("has a '\(name)' that isn't a whole number")
        }
        return Int(number)
    }

    /// The document's text.
    fileprivate var compact: String {
        var writer = JSONWriter()
        writer.value(self)
        return writer.text
    }
}
