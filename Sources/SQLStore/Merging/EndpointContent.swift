public import PipelineCore

/// The columns of an endpoint's row by what they tell.
public struct EndpointContent {
    /// The columns whose values are the endpoint's; where one differs, the endpoint has changed.
    public let columns: [Column]
    /// The columns that say when it was seen, and by whom: they are written with each answer.
    public let seen: [Column]
    /// The place of the run's date; nil in a layout without one, in which nothing tells when an endpoint changed.
    public let logicalDate: Int?

    public init(_ endpoints: TableDefinition) {
        let provenance = ["ordinal", "run_id", "logical_date"]
        columns = endpoints.columns.filter { !endpoints.key.contains($0.name) && !provenance.contains($0.name) }
        seen = endpoints.columns.filter { !endpoints.key.contains($0.name) && provenance.contains($0.name) }
        logicalDate = endpoints.index(of: "logical_date").flatMap { endpoints.columns[$0].type == .time ? $0 : nil }
    }
}
