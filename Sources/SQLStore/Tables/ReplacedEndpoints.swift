public import PipelineCore

/// The endpoints that the publication of a `replace` takes the place of.
public struct ReplacedEndpoints {
    private let database: any SQLDatabase
    private let layout: StoreLayout

    public init(_ database: any SQLDatabase, _ layout: StoreLayout) {
        self.database = database
        self.layout = layout
    }

    /// Counts the published endpoints, and those of them that what waits lacks, by key.
    public func count() throws -> RunCounts {
        var observed = RunCounts()
        guard let endpoints = layout.content.first(where: { $0.role == .endpoints }) else { return observed }
        let isSame = endpoints.key.map { "n.\(quoted($0)) = e.\(quoted($0))" }.joined(separator: " AND ")
        let counts = try database.rows(
            """
            SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
                SELECT 1 FROM \(database.name(StoreLayout.shadowName(of: endpoints.name))) AS n WHERE \(isSame)))
            FROM \(database.name(endpoints.name)) AS e
            """
        ).first
        observed.previousEndpoints = counts?[0].flatMap { Int($0) } ?? 0
        observed.removed = counts?[1].flatMap { Int($0) } ?? 0
        return observed
    }
}
