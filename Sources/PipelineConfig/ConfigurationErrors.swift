public import PipelineCore

/// All that is wrong with one configuration file, in the order of the file.
public struct ConfigurationErrors: Error, Sendable, CustomStringConvertible {
    /// `.noInput` where the file can't be read, else `.configuration`.
    public var kind: PipelineError.Kind
    /// At least one error; warnings may stand between them.
    public var diagnostics: [Diagnostic]

    public init(kind: PipelineError.Kind = .configuration, _ diagnostics: [Diagnostic]) {
        self.kind = kind
        self.diagnostics = diagnostics
    }

    /// One line for each.
    public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
