public import PipelineCore

/// Whether the sinks of a pipeline hold the same rows of its last complete run, or folders the same rows.
public struct VerificationReport: Sendable {
    /// Nil where folders are compared, which stand in the places of sinks.
    public var pipeline: String?
    /// The run that was looked at; nil where there is none.
    public var runID: String?
    public var logicalDate: String?
    /// In the configuration's order.
    public var sinks: [VerifiedSink] = []
    /// In the layout's order.
    package var tables: [VerifiedTable] = []
    /// What is worth knowing, and no difference.
    public var notes: [String] = []
    /// Why nothing could be compared.
    public var error: PipelineError?

    init(pipeline: String? = nil) { self.pipeline = pipeline }

    /// Of folders that can't be compared.
    public init(error: PipelineError) { self.error = error }

    /// Whether nothing differs.
    public var isEqual: Bool {
        tables.allSatisfy { $0.comparisons.allSatisfy(\.isEqual) } && sinks.allSatisfy(\.faults.isEmpty)
    }

    /// 0; 65 where something differs; else the error's.
    public var exitCode: Int32 { error?.exitCode ?? (isEqual ? 0 : PipelineError.Kind.incomplete.rawValue) }
}

/// One sink, and how it stands to its own account.
public struct VerifiedSink: Sendable {
    public var name: String
    public var type: String
    public var target: String
    /// Nil for a folder: nobody knows what it is to the next run.
    public var mode: WriteMode?
    /// Why its rows aren't compared with those of the others; nil where they are.
    public var exclusion: String?
    /// How it differs from its own account. No values of rows.
    public var faults: [String] = []
    /// Records that it refused because of their content: their rows are missing there.
    public var refused = 0
}

/// One table in all sinks.
package struct VerifiedTable: Sendable {
    package var name: String
    /// Nil for a sink without the table.
    package var contents: [(sink: String, rows: Int, hash: String)]
    package var comparisons: [Comparison] = []

    /// The first sink beside another one.
    package struct Comparison: Sendable {
        package var left: String
        package var right: String
        package var differences: [Difference]
        /// There may be more of them.
        package var isCut: Bool
        /// Endpoints that a store without keys has several times, and whose parts aren't compared.
        package var undecided: Int

        package var isEqual: Bool { differences.isEmpty && !isCut }
    }

    /// A key whose rows differ.
    package struct Difference: Sendable, Equatable {
        /// The key's values as JSON, by column.
        package var key: [Member]
        /// The sink that has it, where only one has.
        package var onlyIn: String?
        /// The columns that differ, where both have it.
        package var columns: [String] = []

        package struct Member: Sendable, Equatable {
            package var name: String
            package var json: String
        }
    }
}
