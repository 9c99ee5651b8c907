internal import PipelineCore

/// The members that transforms name and that no endpoint so far had: perhaps they are spelled otherwise.
struct UnmetMembers {
    private struct Member {
        var names: [String]
        var steps: [JSONPathStep]
    }

    private var unmet: [Member]
    private var endpoints = 0

    init(_ transforms: [any Transform]) {
        var seen: Set<[String]> = []
        unmet = transforms.flatMap(\.namedMembers).filter { seen.insert($0).inserted }
            .map { Member(names: $0, steps: $0.map { JSONPathStep($0) }) }
    }

    /// - Parameter tape: before any transform.
    mutating func look(at tape: EndpointTape) {
        for endpoint in tape.indexes {
            endpoints += 1
            unmet.removeAll { !tape.tape.indexes(at: $0.steps, below: endpoint).isEmpty }
        }
    }

    /// A doubt for each member, where there were endpoints at all.
    var findings: [CheckFinding] {
        guard endpoints > 0 else { return [] }
        return unmet.map { member in
            .doubt(
                "no transform met '\(PrintableText.of(member.names.joined(separator: ".")))' in the first "
                    + CountText.of(endpoints, "endpoint"),
                hint: "Names are compared exactly; check the spelling.")
        }
    }
}
