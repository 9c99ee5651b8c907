public import PipelineCore

/// The view `user_attributes`: for each user, the attributes carried by the endpoint with the latest effective date.
///
/// Where runs stand side by side, those of the latest run that is complete in all of its shards. Its statement is each store's
/// own.
public struct UserAttributesView: Sendable {
    public static let name = "user_attributes"
    public static let columns = ["application_id", "user_id", "name", "position", "value"]
    /// The tables that it reads.
    public let endpoints: TableDefinition
    public let parts: TableDefinition

    /// Nil where a layout has no tables for it.
    public init?(_ definitions: [TableDefinition]) {
        guard let endpoints = definitions.first(where: { $0.role == .endpoints }),
            let parts = definitions.first(where: { $0.name == "endpoint_user_attributes" }),
            ["application_id", "endpoint_id", "user_id", "effective_date"].allSatisfy({ endpoints.index(of: $0) != nil }
            ),
            ["application_id", "endpoint_id", "name", "position", "value"].allSatisfy({ parts.index(of: $0) != nil })
        else { return nil }
        self.endpoints = endpoints
        self.parts = parts
    }
}
