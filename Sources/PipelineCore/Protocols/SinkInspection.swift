/// What a sink's place is like before a run: nothing is made, locked or changed to find it out.
public struct SinkInspection: Sendable {
    /// Whether it can be reached and written to, and what stands in the way.
    public var findings: [CheckFinding]
    /// Of the tables that a run writes, those that are there.
    public var existingTables: [String]
    /// What a run does to the place before it writes rows, in order: statements of SQL, folders that are made.
    public var steps: [String]
    /// The newest run with its checkpoint, as a run that begins now would find them.
    public var state: SinkState

    public init(
        findings: [CheckFinding] = [], existingTables: [String] = [], steps: [String] = [],
        state: SinkState = SinkState()
    ) {
        self.findings = findings
        self.existingTables = existingTables
        self.steps = steps
        self.state = state
    }
}

extension Sink {
    /// A sink that says nothing of itself is looked at by its first run.
    public func inspect(_ context: SinkContext) async throws -> SinkInspection {
        SinkInspection(findings: [.doubt("a sink of type '\(typeName)' can't be looked at before it is opened")])
    }

    public var guarantee: String { "a batch's rows and its checkpoint are committed together, or not at all" }
}
