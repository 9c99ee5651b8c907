public import PipelineCore

/// The rows of a table of parts that are to be stored, those of one endpoint side by side.
public struct PartGroups {
    /// Rows of the batch, ordered by their endpoints' rows.
    public let rows: [Int]
    /// By endpoint row where its parts begin in `rows`; one more than there are endpoints.
    private let starts: [Int]
    /// By row of the batch its endpoint's row; -1 where that isn't in the batch, or isn't written.
    private let owners: [Int]

    /// - Parameters:
    ///   - groupEnds: for each endpoint's row the end of its parts; empty where whoever made the rows didn't say.
    /// - Throws: as `PartOwners`.
    public init(
        _ rows: RowsInPlace, of part: LayoutPlaces.Place, groupEnds: [Int], _ endpointRows: RowsInPlace,
        _ plan: MergePlan
    ) throws {
        let kept =
            try plan.dropsEndpoints
            ? PartOwners(rows, of: part.definition, groupEnds: groupEnds, endpointRows, plan) : nil
        var owners = [Int](repeating: -1, count: rows.count)
        if groupEnds.count == endpointRows.count, groupEnds.last ?? 0 == rows.count {
            var row = 0
            for (endpoint, end) in groupEnds.enumerated() {
                while row < end {
                    if kept?.isKept(row) ?? true { owners[row] = endpoint }
                    row += 1
                }
            }
        } else {
            for row in 0..<rows.count where kept?.isKept(row) ?? true {
                owners[row] = plan.endpoints[part.key(rows, row)] ?? -1
            }
        }
        // A counting sort: rows keep their order within a group.
        var starts = [Int](repeating: 0, count: endpointRows.count + 1)
        for owner in owners where owner >= 0 { starts[owner + 1] += 1 }
        for endpoint in 0..<endpointRows.count { starts[endpoint + 1] += starts[endpoint] }
        var next = starts
        var ordered = [Int](repeating: 0, count: starts.last ?? 0)
        for (row, owner) in owners.enumerated() where owner >= 0 {
            ordered[next[owner]] = row
            next[owner] += 1
        }
        self.rows = ordered
        self.starts = starts
        self.owners = owners
    }

    /// Where an endpoint's parts stand in `rows`.
    func group(of endpoint: Int) -> Range<Int> { starts[endpoint]..<starts[endpoint + 1] }

    /// The endpoint's row that a row of parts goes with; nil where the batch has none that is written.
    func owner(of row: Int) -> Int? { owners[row] < 0 ? nil : owners[row] }
}
