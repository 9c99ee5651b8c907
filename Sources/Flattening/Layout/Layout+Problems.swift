public import PipelineCore

extension Layout {
    /// What is wrong with columns that are to be pulled out of endpoints, by place: the path is `columns`, the column's
    /// index, the option.
    ///
    /// A name that another column has, whatever its case (SQLite and most loaders make no difference), or that Postgres
    /// keeps for itself; a path that can't exist.
    public static func problems(of columns: [PulledColumn], isDocument: Bool) -> [OptionError] {
        let fixed = (isDocument ? Self.endpointDocuments : Self.endpoints).columns.map(\.name)
        var taken: [String: String] = [:]
        for name in fixed { taken[name] = "the layout has a column of that name" }
        for name in ["ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"] {
            taken[name] = "PostgreSQL keeps that name for itself"
        }
        var problems: [OptionError] = []
        for (place, column) in columns.enumerated() {
            let key = column.name.lowercased()
            if let reason = taken[key] {
                problems.append(
                    OptionError(
                        path: ["columns", String(place), "name"],
                        "'\(column.name)' is taken, in whatever case: \(reason)"))
            } else {
                taken[key] = "another entry of 'columns' has it"
            }
            let problem =
                column.path.contains("*")
                ? "a column is pulled out of one member, so '*' can't stand in its path"
                : EndpointModel.endpoint.problem(with: column.path, allowsUnknown: true)
            if let problem { problems.append(OptionError(path: ["columns", String(place), "from"], problem)) }
        }
        return problems
    }
}
