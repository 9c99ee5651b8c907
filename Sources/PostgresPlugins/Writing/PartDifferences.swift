internal import PipelineCore
internal import SQLStore

/// What differs between a batch's rows of one table of parts and the store's.
struct PartDifferences {
    /// The batch's rows that the store lacks.
    var added: [Int] = []
    /// The batch's rows that the store has with other values.
    var changed: [Int] = []
    /// Rows with the columns of the key, the run's aside, that the store has and the batch doesn't.
    var gone = RowBuffer(columnCount: 1)
    /// The batch's endpoints of which a part differs, by row.
    var endpoints: Set<Int> = []
}

extension [PartDifferences] {
    /// The batch's endpoints of which a part differs, by row.
    var endpoints: [Int] { reduce(into: Set<Int>()) { $0.formUnion($1.endpoints) }.sorted() }
}

/// Collects the keys of parts that the store has and the batch doesn't, with the columns of `StagedMerge.keyColumns`.
struct GoneParts {
    private enum Source {
        /// A column of the endpoint's row in the batch.
        case endpoint(Int)
        /// A value of the stored row.
        case stored(Int)
    }

    private let sources: [(source: Source, type: ColumnType)]
    private let endpoints: RowsInPlace
    private(set) var rows: RowBuffer

    /// - Parameter columns: those whose values a stored row gives, behind its endpoint's row.
    init(_ place: LayoutPlaces.Place, _ owner: LayoutPlaces.Place, _ endpoints: RowsInPlace, columns: [Int]) {
        self.endpoints = endpoints
        sources = StagedMerge.keyColumns(of: place.definition).compactMap { column in
            guard let index = place.definition.index(of: column.name) else { return nil }
            if index == place.application { return (.endpoint(owner.application), column.type) }
            if index == place.id { return (.endpoint(owner.id), column.type) }
            return columns.firstIndex(of: index).map { (.stored($0 + 1), column.type) }
        }
        rows = RowBuffer(columnCount: max(1, sources.count))
    }

    mutating func append(_ endpoint: Int, _ row: BinaryRow) {
        for (source, type) in sources {
            switch source {
            case .endpoint(let column): rows.append(rows.store(.text, endpoints.bytes(endpoint, column)))
            case .stored(let field):
                let value = row.value(field, type) ?? .null
                switch value.kind {
                case .text, .json, .time: rows.append(rows.store(value.kind, value.bytes))
                case .null, .integer, .real: rows.append(Cell(kind: value.kind, bits: value.bits, length: 0))
                }
            }
        }
    }
}
