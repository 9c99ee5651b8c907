internal import PipelineCore

/// What a database holds that may be user IDs, for a person.
struct DatabaseAccount {
    let survey: DatabaseSurvey
    let chosen: TableSurvey

    /// The column that was said, or that clearly counts before all others.
    ///
    /// - Throws: `PipelineError` of kind `.usage`, with the choices.
    static func choose(_ survey: DatabaseSurvey, _ options: InitCommand) throws -> TableSurvey {
        if let clearest = survey.clearest { return clearest }
        if let wanted = options.table,
            !survey.tables.contains(where: { $0.name == wanted || "public." + $0.name == wanted })
        {
            throw unknown("table", wanted, among: survey.tables.map(\.name), survey)
        }
        if let wanted = options.column, survey.candidates.isEmpty {
            let tables = survey.tables.filter { options.table == nil || $0.name == options.table }
            throw unknown("column", wanted, among: tables.flatMap(\.columns), survey)
        }
        if survey.candidates.isEmpty, survey.isStore, options.table == nil {
            throw PipelineError(
                .usage, "\(survey.place) holds what a pipeline has written, and no other table of users",
                hint: "If those users are to be asked for again: --table users.")
        }
        guard !survey.candidates.isEmpty else {
            let listed = survey.tables.prefix(10).map { table in
                PrintableText.of("\(table.name) (\(Self.listed(table.columns)))")
            }
            throw PipelineError(
                .usage, "no column of \(survey.place) is called like a user ID",
                hint: (listed.isEmpty
                    ? "It holds no tables that this user may read."
                    : "It holds \(listed.joined(separator: ", "))\(survey.tables.count > 10 ? ", …" : "").")
                    + "\n  Say which one holds them: --table NAME --column NAME, or --query 'SELECT …'.")
        }
        let choices = survey.candidates.prefix(10).map { "\($0.place): \(words($0))" }
        throw PipelineError(
            .usage, "several columns of \(survey.place) may hold the user IDs",
            hint: (choices + ["Say which one is meant: --table NAME --column NAME, or --query 'SELECT …'."]).joined(
                separator: "\n  "))
    }

    private static func listed(_ columns: [String]) -> String {
        columns.prefix(8).joined(separator: ", ") + (columns.count > 8 ? ", …" : "")
    }

    private static func unknown(
        _ what: String, _ wanted: String, among names: [String], _ survey: DatabaseSurvey
    ) -> PipelineError {
        PipelineError(
            .usage, "\(survey.place) has no \(what) '\(PrintableText.of(wanted))'",
            hint: Suggestion.hint(for: PrintableText.of(wanted), among: names.map { PrintableText.of($0) }))
    }

    private static func words(_ column: TableSurvey) -> String {
        let rows = column.rows.map { Amount.of($0, "row") }
        let sample = column.sample
        let shares =
            "\(Amount.share(sample.empty, of: sample.records)) empty, \(Amount.share(sample.distinct, of: sample.filled)) distinct"
        return [rows, sample.records > 0 ? shares : nil].compactMap { $0 }.joined(separator: ", ")
    }

    var text: String {
        var lines = ["\(survey.place): a database with \(CountText.of(survey.tables.count, "table"))."]
        if survey.candidates.count > 1 {
            let rows = survey.candidates.map { column in
                [TextTable.Cell(text: column.place)]
                    + [TextTable.Cell(text: column.rows.map { Amount.number($0) } ?? "", isNumber: true)]
                    + ListAccount.shares(column.sample)
                    + [TextTable.Cell(text: column.place == chosen.place ? "← taken" : "")]
            }
            lines += [
                "", TextTable(columns: ["column", "rows", "empty", "distinct", "like IDs", ""], rows: rows).text,
            ]
        }
        lines.append("The user IDs: \(PrintableText.of(chosen.query))")
        if survey.candidates.count > 1 {
            lines.append("Another one: --table NAME --column NAME, or --query 'SELECT …'.")
        }
        if chosen.sample.filled == 0 { lines.append("There are none yet.") }
        return lines.joined(separator: "\n")
    }
}

extension TableSurvey {
    /// `users.user_id`
    fileprivate var place: String { column.isEmpty ? table : PrintableText.of("\(table).\(column)", limit: 60) }
}
