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

    /// The layout's tables as they are made, and what the store keeps beside their rows.
    public var stored: [TableDefinition] { Self.stored(definitions, mode: mode) }

    /// A layout's tables as a store has them that is written in this mode, and what it keeps beside their rows.
    public static func stored(_ definitions: [TableDefinition], mode: WriteMode) -> [TableDefinition] {
        mode.mergesWithEarlierRuns ? definitions.map(stored) + [MergeRecords.removals] : definitions
    }

    /// A layout's table as a merge keeps it.
    static func stored(_ definition: TableDefinition) -> TableDefinition {
        guard definition.role == .endpoints else { return definition }
        var stored = definition
        stored.columns.insert(
            MergeRecords.changedAt, at: definition.index(of: "logical_date").map { $0 + 1 } ?? definition.columns.count)
        return stored
    }

    /// The pipeline's tables and the ledger's.
    public var all: [TableDefinition] { stored + LedgerTables.all }

    /// Whether a column is the store's own affair: it is added where it is missing, whatever is to become of new columns.
    public func isOwn(_ column: Column, of table: TableDefinition) -> Bool {
        let layout = definitions.first { [$0.name, Self.shadowName(of: $0.name)].contains(table.name) }
        return layout?.index(of: column.name) == nil
    }

    /// The name of the table in which the rows of a `replace` wait until they are published.
    public static func shadowName(of table: String) -> String { "sluice_next_\(table)" }

    /// The table in which a table's rows wait until they are published.
    public static func shadow(of definition: TableDefinition) -> TableDefinition {
        var shadow = definition
        shadow.name = shadowName(of: definition.name)
        return shadow
    }
}
