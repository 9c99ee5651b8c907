internal import PipelineCore

/// One sink of a run: its session, and how far it has come.
struct SinkLane: Sendable {
    let name: String
    let typeName: String
    let target: String
    let mode: WriteMode
    /// Which of the assembled row sets this sink takes.
    let rowSetIndex: Int
    let fingerprint: String
    let session: any SinkSession
    /// What the store held when it was opened.
    let stateAtOpen: SinkState
    /// As of the last commit of this process; nil until the run has begun in this sink.
    var checkpoint: Checkpoint?
    /// How the run has ended in this sink; nil while it goes on.
    var end: RunState?
}

extension SinkLane {
    /// The lane of a run that this sink has ended already, as the store holds it.
    var atStoredEnd: SinkLane {
        var lane = self
        lane.checkpoint = stateAtOpen.checkpoint
        lane.end = stateAtOpen.lastRun?.state
        return lane
    }
}
