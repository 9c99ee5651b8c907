public import PipelineCore

/// A layout's tables as one pipeline and shard write them into an SQL store.
public struct StoreLayout: Sendable {
    /// In the order of a batch's buffers.
    public let definitions: [TableDefinition]
    public let pipeline: String
    public let shard: Int
    public let mode: WriteMode
    public let onNewColumns: NewColumnsPolicy

    /// - Throws: `PipelineError` of kind `.software` where a role has more tables than one that can have no more.
    public init(_ context: SinkContext, mode: WriteMode) throws {
        for role in [TableRole.users, .endpoints, .failures]
        where context.tables.count(where: { $0.role == role }) > 1 {
            throw PipelineError(.software, "the layout has more than one table of \(role)")
        }
        definitions = context.tables
        pipeline = context.pipeline
        shard = context.shard
        self.mode = mode
        onNewColumns = context.onNewColumns
    }

    /// The tables whose rows a run brings; failures are a diary of runs, and written as such in every mode.
    public var content: [TableDefinition] { definitions.filter { $0.role != .failures } }

    /// The content's tables, those first that others may refer to.
    public var parentsFirst: [TableDefinition] {
        [TableRole.users, .endpoints, .endpointParts].flatMap { role in content.filter { $0.role == role } }
    }

    /// The layout's tables and the ledger's.
    public var all: [TableDefinition] { definitions + LedgerTables.all }

    /// The name of the table in which the rows of a `replace` wait until they are published.
    public static func shadowName(of table: String) -> String { "sluice_next_\(table)" }

    /// The table in which a table's rows wait until they are published.
    public static func shadow(of definition: TableDefinition) -> TableDefinition {
        var shadow = definition
        shadow.name = shadowName(of: definition.name)
        return shadow
    }
}
