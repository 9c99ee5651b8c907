public import PipelineCore

/// A pipeline as its file describes it, with its plugins made.
public struct PipelineConfiguration: Sendable {
    /// A sink and its own transforms.
    public struct ConfiguredSink: Sendable {
        /// Unique in the pipeline.
        public var name: String
        public var typeName: String
        public var sink: any Sink
        /// They come after the shared ones.
        public var transforms: [any Transform]
    }

    /// The pipeline's name.
    public var pipeline: String
    /// The file, as the caller named it.
    public var file: String
    public var sourceTypeName: String
    public var source: SourcePlan
    /// For all sinks, before their own.
    public var transforms: [any Transform]
    /// At least one.
    public var sinks: [ConfiguredSink]
    public var layout: TableLayout
    /// Further columns of the endpoints table, in the order of the file.
    public var columns: [PulledColumn]
    /// 1 … 10,000
    public var batchSize: Int
    public var limits: RunLimits
    public var onChangedInput: ChangedInputPolicy
    public var onNewColumns: NewColumnsPolicy
    /// The file that a run leaves its summary in, as JSON; absolute. Nil where the pipeline asks for none.
    public var reportPath: String?
    /// In the order of the file.
    public var tests: [PipelineTest]
    /// Absolute; it may not exist yet.
    public var stateDirectory: String
    /// In the order of the file.
    public var warnings: [Diagnostic]
    /// The variables that aren't set, and the files that can't be read as `file:PATH`, where something stands in for their
    /// values: then it can be looked at, and not be run. In order of their names.
    public var absentValues: [String] = []

    let shaping: OutputShaping

    /// For each sink, in order, the canonical JSON text of the transforms that its rows go through: sinks with equal ones
    /// get equal rows.
    public func transformTexts(hash: ([UInt8]) -> String) -> [[UInt8]] {
        sinks.indices.map { shaping.transformText(sink: $0, hash: hash) }
    }

    /// For each sink, in order, the canonical JSON text of all that shapes its output; its hash is the configuration's
    /// part of a fingerprint.
    ///
    /// Object keys are sorted, defaults filled in, and secrets stand as their hashes.
    /// - Parameter hash: a one-way hash of a secret's UTF-8 bytes, as text (lower-case hex of SHA-256).
    public func fingerprintTexts(hash: ([UInt8]) -> String) -> [[UInt8]] {
        sinks.indices.map { shaping.canonicalText(sink: $0, hash: hash) }
    }
}
