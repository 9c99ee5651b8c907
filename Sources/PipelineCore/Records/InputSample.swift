/// The beginning of a list of users, for a look at it.
public struct InputSample: Sendable {
    /// As a run would read them.
    public var records: [InputRecord]
    /// There are no more than these.
    public var isComplete: Bool
    /// What the reader itself has to say of its input.
    public var findings: [CheckFinding]

    public init(records: [InputRecord] = [], isComplete: Bool = false, findings: [CheckFinding] = []) {
        self.records = records
        self.isComplete = isComplete
        self.findings = findings
    }
}

/// How many records a list has.
public struct InputCount: Sendable, Equatable {
    public var records: Int
    /// False for an estimate, where counting them all would have taken too long.
    public var isExact: Bool

    public init(_ records: Int, isExact: Bool) {
        self.records = records
        self.isExact = isExact
    }
}
