/// What happens when the input in front of a checkpoint is no longer what it was.
public enum ChangedInputPolicy: String, Sendable, Hashable, CaseIterable {
    case refuse
    /// The old run is marked abandoned, and a new one begins.
    case restart
}

/// How endpoints become tables.
public enum TableLayout: String, Sendable, Hashable, CaseIterable {
    /// Attributes, metrics and user attributes in tables of their own.
    case normalized
}
