internal import PipelineCore

// What takes the place of a part that couldn't be made for want of a value, where nobody is going to use it.

struct AbsentReader: UserReader {
    var sourceFile: String? { nil }

    func open(at position: Position) async throws -> any UserCursor { throw Self.error }

    static let error = PipelineError(
        .software, "a part of the pipeline was used for which a value is missing",
        hint: "Please report this.")
}

struct AbsentLookup: UserLookup {
    var applicationID: String { "" }
    var isHeld: Bool { false }
    var statistics: LookupStatistics { LookupStatistics() }
    var state: String? { nil }

    func lookUp(_ userID: String, call: LookupCall) async throws -> Outcome {
        throw AbsentReader.error
    }
    func restore(state: String) {}
    func shutdown() async {}
}

struct AbsentTransform: Transform {
    func apply(to endpoints: inout EndpointTape) throws { throw AbsentReader.error }
}

extension PluginKind {
    /// Nil for a sink: without one there is nothing to look at.
    var absentProduct: (any Sendable)? {
        switch self {
        case .userReader: AbsentReader() as any UserReader
        case .source: SourcePlan.lookup(reader: AbsentReader(), lookup: AbsentLookup(), concurrency: 1)
        case .transform: AbsentTransform() as any Transform
        case .sink: nil
        }
    }
}
