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

    /// Grows when the statement changes; an older view is replaced. In the first format it had no number.
    ///
    /// 2: a run that couldn't be handed over counts as complete.
    public static let version = 2
    /// The states of a run whose rows may be shown, as SQL spells a list of them.
    public static let shownStates = RunState.allCases.filter(\.isPublished).map { literal($0.rawValue) }.joined(
        separator: ", ")

    /// The version of the view that the store has; nil where it isn't known.
    public static func version(in database: any SQLDatabase) throws -> Int? {
        try FormatTable.number(of: .view, in: database)
    }

    /// The statement that notes the current version; `sluice_format` must be there when it is run.
    public static func noting(in database: any SQLDatabase) -> String {
        FormatTable.noting(.view, version, in: database)
    }

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
