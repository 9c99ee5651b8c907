public import PipelineCore

/// The checks that every sink must pass, this package's and other people's.
///
/// ```swift
/// @Test(arguments: SinkConformance.checks(for: .merge))
/// func conforms(_ check: SinkConformance.Check) async throws {
///     try await check.run(SinkConformance.Store(sink: { MySink(…) }, rows: { try read($0) }))
/// }
/// ```
public enum SinkConformance {
    /// A fresh, empty store for one check.
    public struct Store: Sendable {
        /// Makes a sink over this store; every call one over the same store.
        public var sink: @Sendable () throws -> any Sink
        /// What a table holds now, in any order of rows, read by something that isn't the sink. JSON is compact.
        public var rows: @Sendable (TableDefinition) async throws -> [[RowView.Value]]

        public init(
            sink: @escaping @Sendable () throws -> any Sink,
            rows: @escaping @Sendable (TableDefinition) async throws -> [[RowView.Value]]
        ) {
            self.sink = sink
            self.rows = rows
        }
    }

    /// One check; its description is the rule that it checks.
    public struct Check: Sendable, CustomStringConvertible {
        public let description: String
        private let body: @Sendable (SinkTrial) async throws -> Void

        init(_ description: String, _ body: @escaping @Sendable (SinkTrial) async throws -> Void) {
            self.description = description
            self.body = body
        }

        /// - Throws: `SinkConformanceError` where the sink breaks the rule, and what the sink or the store threw.
        public func run(_ store: Store) async throws {
            let trial = SinkTrial(rule: description, store: store)
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
    public static func checks(for mode: WriteMode) -> [Check] {
        switch mode {
        case .merge: lifecycle + content + merge
        case .append, .replace: lifecycle
        }
    }
}

/// A rule that a sink breaks, and how.
public struct SinkConformanceError: Error, Sendable, CustomStringConvertible {
    public var rule: String
    public var message: String
    public var description: String { "\(rule): \(message)" }
}
