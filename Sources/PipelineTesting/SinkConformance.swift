public import PipelineCore

/// The checks that every sink must pass, this package's and other people's.
///
/// ```swift
/// @Test(arguments: WriteMode.allCases.flatMap { SinkConformance.checks(for: $0) })
/// func conforms(_ check: SinkConformance.Check) async throws {
///     try await check.run(SinkConformance.Store(sinks: { MySink(…, mode: $0) }, rows: { try read($0) }))
/// }
/// ```
public enum SinkConformance {
    /// A fresh, empty store for one check.
    public struct Store: Sendable {
        /// Makes a sink of this mode over this store; nil where there is none. Every call one over the same store.
        public var sink: @Sendable (WriteMode) throws -> (any Sink)?
        /// What readers of a table see now, in any order of rows, read by something that isn't the sink. JSON is compact.
        public var rows: @Sendable (TableDefinition) async throws -> [[RowView.Value]]
        /// Whether readers see an `append` run's rows with each commit. False for a store that shows a run when it is
        /// complete, as folders of files do. A `replace` is never seen before.
        public var showsRunsUnderWay: Bool

        /// A store whose sinks may have any mode.
        public init(
            sinks: @escaping @Sendable (WriteMode) throws -> (any Sink)?, showsRunsUnderWay: Bool = true,
            rows: @escaping @Sendable (TableDefinition) async throws -> [[RowView.Value]]
        ) {
            sink = sinks
            self.showsRunsUnderWay = showsRunsUnderWay
            self.rows = rows
        }

        /// A store whose sinks all have the same mode.
        public init(
            sink: @escaping @Sendable () throws -> any Sink,
            rows: @escaping @Sendable (TableDefinition) async throws -> [[RowView.Value]]
        ) {
            self.init(
                sinks: { mode in
                    let sink = try sink()
                    return sink.mode == mode ? sink : nil
                }, rows: rows)
        }
    }

    /// One check; its description is the mode and the rule that it checks.
    public struct Check: Sendable, CustomStringConvertible {
        public var description: String { "\(mode.rawValue)\(isKeyed ? "" : " without keys"): \(rule)" }
        private let rule: String
        private let mode: WriteMode
        private let isKeyed: Bool
        private let conflict: ConflictPolicy
        private let body: @Sendable (SinkTrial) async throws -> Void

        init(
            _ rule: String, conflict: ConflictPolicy = .last,
            _ body: @escaping @Sendable (SinkTrial) async throws -> Void
        ) {
            self.init(rule, mode: .merge, isKeyed: true, conflict: conflict, body)
        }

        private init(
            _ rule: String, mode: WriteMode, isKeyed: Bool, conflict: ConflictPolicy,
            _ body: @escaping @Sendable (SinkTrial) async throws -> Void
        ) {
            self.rule = rule
            self.mode = mode
            self.isKeyed = isKeyed
            self.conflict = conflict
            self.body = body
        }

        /// The same rule for a sink of another kind.
        func applied(to mode: WriteMode, isKeyed: Bool) -> Check {
            Check(rule, mode: mode, isKeyed: isKeyed, conflict: conflict, body)
        }

        /// - Throws: `SinkConformanceError` where the sink breaks the rule, and what the sink or the store threw.
        public func run(_ store: Store) async throws {
            let trial = SinkTrial(
                rule: description, store: store, mode: mode, isKeyed: isKeyed, conflict: conflict)
            do {
                try await body(trial)
            } catch {
                await trial.close()
                throw error
            }
            await trial.close()
        }
    }

    /// The checks for a sink that is in this mode.
    ///
    /// - Parameter keyed: false for a store that keeps every row of a run, whatever its key, as files do. Such a sink has
    ///   no `merge`; it counts nothing as superseded, and shows `failures` together with the run's other rows.
    public static func checks(for mode: WriteMode, keyed: Bool = true) -> [Check] {
        precondition(keyed || mode != .merge, "merge needs keys")
        var checks = lifecycle + ownership + content + collisions + newest + amending + filtered
        switch mode {
        case .merge: checks += merge
        case .append: checks += append
        case .replace: checks += replace
        }
        if keyed { checks += sharing(mode) }
        return checks.map { $0.applied(to: mode, isKeyed: keyed) }
    }

    /// The checks for a sink whose store can be read back, which `sluice status` and `sluice verify` do; parameters as above.
    public static func readingChecks(for mode: WriteMode, keyed: Bool = true) -> [Check] {
        reading.map { $0.applied(to: mode, isKeyed: keyed) }
    }
}

/// A rule that a sink breaks, and how.
public struct SinkConformanceError: Error, Sendable, CustomStringConvertible {
    public var rule: String
    public var message: String
    public var description: String { "\(rule): \(message)" }
}
