/// How endpoints become tables.
public enum TableLayout: String, Sendable, Hashable, CaseIterable {
    /// Attributes, metrics and user attributes in tables of their own.
    case normalized
    /// All of an endpoint in one row, its maps as JSON.
    case document
}
