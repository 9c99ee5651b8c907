extension RunCounts {
    /// What is known of one counter besides the place that counts it.
    public struct Counter: Sendable {
        /// In stored counts, summaries and status.
        public let name: String
        public let value: any WritableKeyPath<RunCounts, Int> & Sendable
        public let subject: Subject
        public let authority: Authority
        /// The JSON that tells of it, stored counts aside, which hold every one.
        public let places: Places
        /// What follows the number in a summary for people; told only where the number isn't 0. Nil for a counter that has no
        /// clause of its own.
        public let clause: String?
        /// Whether stored counts name it although it is 0.
        public let isStoredAtZero: Bool

        init(
            _ name: String, _ value: any WritableKeyPath<RunCounts, Int> & Sendable, of subject: Subject,
            by authority: Authority = .batch, tells places: Places = [], clause: String? = nil,
            isStoredAtZero: Bool = true
        ) {
            self.name = name
            self.value = value
            self.subject = subject
            self.authority = authority
            self.places = places
            self.clause = clause
            self.isStoredAtZero = isStoredAtZero
        }
    }

    /// What is counted: the line of a summary for people on which a counter stands.
    public enum Subject: String, Sendable, CaseIterable {
        case records, endpoints, columns
    }

    /// Who knows the number.
    public enum Authority: Sendable {
        /// The batch brings it; a sink changes nothing of it.
        case batch
        /// The batch brings it; a sink that refuses records lowers it.
        case correctedBySink
        /// The sink alone can count it, while it writes a batch or publishes.
        case sink
    }

    public struct Places: OptionSet, Sendable {
        public let rawValue: Int

        public init(rawValue: Int) { self.rawValue = rawValue }

        /// The summary of a run.
        public static let summary = Places(rawValue: 1)
        /// `sluice status`.
        public static let status = Places(rawValue: 2)
    }

    /// The counters of one place, records first, and before them the sum of those with an outcome.
    public func told(in place: Places) -> [(name: String, count: Int)] {
        let counters = Subject.allCases.flatMap { subject in
            Self.counters.filter { $0.subject == subject && $0.places.contains(place) }
        }
        return [("records", records)] + counters.map { ($0.name, self[$0]) }
    }

    /// What became of endpoints, against the store before the run; what isn't known is nil.
    public var changesTold: [(name: String, count: Int?)] {
        EndpointChanges.names.map { ($0.name, changes?[keyPath: $0.value]) } + [("removed", removed)]
    }

    /// What a summary for people says of a subject beyond its first numbers: `12 filtered out`.
    public func clauses(of subject: Subject) -> [String] {
        Self.counters.compactMap { counter in
            guard counter.subject == subject, let clause = counter.clause, self[counter] != 0 else { return nil }
            return "\(self[counter]) \(clause)"
        }
    }
}
