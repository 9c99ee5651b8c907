internal import FilePlugins
internal import PipelineConfig
internal import PipelineCore

/// The column of a list that is taken for the user IDs.
struct UserColumn {
    let column: ListSurvey.Column
    /// Why it and no other, in words that follow "is taken:"; nil where somebody has said it.
    let reason: String?

    /// - Parameter wanted: a name, a path of names or a number, as somebody has said it.
    /// - Throws: `PipelineError` of kind `.usage` where there is no such column, or none that could be meant.
    init(_ survey: ListSurvey, wanted: String?, file: String) throws {
        guard survey.recordsLookedAt > 0 else {
            throw PipelineError(
                .noInput, "\(file) holds no record that can be read, only names of columns: \(Self.listed(survey))",
                hint: "Name a list that holds some user IDs already"
                    + (survey.format == .csv ? ", and see whether a '\"' in it is never closed." : "."))
        }
        if let wanted {
            column = try Self.column(wanted, survey, file)
            reason = nil
            return
        }
        let best = survey.columns.enumerated().filter { Self.mayBeMeant($0.element) }.max {
            (Self.points($0.element), $1.offset) < (Self.points($1.element), $0.offset)
        }
        // Where there is but one, nobody can say which is meant: what makes one wonder is told of it.
        guard let best = best?.element ?? (survey.format == .lines ? survey.columns.first : nil) else {
            throw PipelineError(
                .usage, "no column of \(file) looks like user IDs; it has \(Self.listed(survey))",
                hint: "Say which one holds them: --column NAME.")
        }
        column = best
        reason = Self.reason(best, among: survey.columns.count)
    }

    private static func mayBeMeant(_ column: ListSurvey.Column) -> Bool {
        column.sample.filled > 0 && (column.sample.holdsIDs || UserIDColumn.points(for: column.name) > 0)
    }

    private static func points(_ column: ListSurvey.Column) -> Int {
        UserIDColumn.points(for: column.name, column.sample) + (column.sample.holdsIDs ? 30 : 0)
    }

    private static func reason(_ column: ListSurvey.Column, among count: Int) -> String {
        var reasons: [String] = []
        if UserIDColumn.points(for: column.name) > 0 { reasons.append("its name says so") }
        if count == 1 { reasons.append("there is no other") }
        reasons.append(column.sample.empty == 0 ? "no row is without it" : "most rows have it")
        if column.sample.distinct == column.sample.filled { reasons.append("no value stands twice") }
        return reasons.joined(separator: ", ")
    }

    private static func column(_ wanted: String, _ survey: ListSurvey, _ file: String) throws -> ListSurvey.Column {
        if let named = survey.columns.first(where: { $0.name.joined(separator: ".") == wanted }) { return named }
        if survey.format == .csv, let number = Int(wanted),
            let column = survey.columns.first(where: { $0.number == number })
        {
            return column
        }
        let names = survey.columns.map { $0.name.joined(separator: ".") }.filter { !$0.isEmpty }
        throw PipelineError(
            .usage, "\(file) has no column '\(PrintableText.of(wanted))'; it has \(listed(survey))",
            hint: Suggestion.nearest(to: wanted, among: names).map { "Did you mean '\(PrintableText.of($0))'?" })
    }

    /// The columns, as many as a person reads.
    private static func listed(_ survey: ListSurvey) -> String {
        if survey.format == .lines { return "an ID on each line, and so no columns" }
        let shown = survey.columns.prefix(20).map(\.shownName).joined(separator: ", ")
        return survey.columns.count > 20 ? "\(shown) and \(survey.columns.count - 20) more" : shown
    }
}

extension ListSurvey.Column {
    /// As a table or a message names it.
    var shownName: String {
        name.isEmpty ? "column \(number)" : PrintableText.of(name.joined(separator: "."), limit: 60)
    }
}
