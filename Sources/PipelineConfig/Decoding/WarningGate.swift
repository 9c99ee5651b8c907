internal import Synchronization

/// What a plugin warns of while it is made belongs to the pipeline's file; what it warns of later goes to the log.
final class WarningGate: Sendable {
    /// Nil once the plugin is made.
    private let kept = Mutex<[String]?>([])
    private let later: @Sendable (String) -> Void

    init(later: @escaping @Sendable (String) -> Void) { self.later = later }

    func tell(_ warning: String) {
        let isKept = kept.withLock { kept in
            kept?.append(warning)
            return kept != nil
        }
        if !isKept { later(warning) }
    }

    /// The warnings so far. From now on they go to the log.
    func open() -> [String] {
        kept.withLock { kept in
            defer { kept = nil }
            return kept ?? []
        }
    }
}
