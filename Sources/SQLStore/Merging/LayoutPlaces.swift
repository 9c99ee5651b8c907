public import PipelineCore

/// Where a layout's tables stand in a batch, and the columns of their keys.
public struct LayoutPlaces {
    /// One table's place.
    public struct Place {
        public let definition: TableDefinition
        /// The place of the table's rows in a batch.
        public let index: Int
        /// The places of the first two key columns: (application_id, user_id) or (application_id, endpoint_id).
        public let application: Int
        public let id: Int

        /// A column's name.
        public func name(_ column: Int) -> String { definition.columns[column].name }

        /// The key of one of the table's rows, valid for as long as the rows stay in place.
        public func key(_ rows: RowsInPlace, _ row: Int) -> KeyInPlace {
            KeyInPlace(application: rows.bytes(row, application), id: rows.bytes(row, id))
        }
    }

    public let all: [Place]
    public let users: Place?
    public let endpoints: Place?
    public let parts: [Place]
    public let failures: Place?

    public init(_ definitions: [TableDefinition]) {
        all = definitions.enumerated().map { index, definition in
            let (application, id) = definition.ownerColumns
            return Place(definition: definition, index: index, application: application, id: id)
        }
        users = all.first { $0.definition.role == .users }
        endpoints = all.first { $0.definition.role == .endpoints }
        parts = all.filter { $0.definition.role == .endpointParts }
        failures = all.first { $0.definition.role == .failures }
    }

    /// - Throws: `PipelineError` of kind `.software` where a batch isn't of this layout.
    public func check(_ batch: Batch) throws {
        guard batch.tables.count == all.count,
            zip(batch.tables, all).allSatisfy({ $0.columnCount == $1.definition.columns.count })
        else {
            throw PipelineError(
                .software, "batch \(batch.commitNumber) isn't of the layout that this sink was opened with")
        }
    }
}
