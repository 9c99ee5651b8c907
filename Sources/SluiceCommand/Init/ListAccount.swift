internal import FilePlugins
internal import PipelineCore

/// What a list holds, for a person. Names of columns are shown, and none of their values.
struct ListAccount {
    let path: String
    let survey: ListSurvey
    let chosen: UserColumn

    private static let mostColumns = 20

    var text: String {
        var lines = ["\(path): \(form); \(lookedAt)."]
        if survey.columns.count > 1 { lines += ["", table] }
        let name = chosen.column.shownName
        if let reason = chosen.reason, survey.columns.count > 1 {
            lines.append("'\(name)' is taken for the user IDs: \(reason). Another one: --column NAME.")
        }
        lines += doubts
        return lines.joined(separator: "\n")
    }

    private var form: String {
        let header = survey.hasHeader == true ? "its first row holds names" : "no names in its first row"
        switch (survey.format, survey.separator) {
        case (.lines, nil):
            return "an ID on each line"
                + (survey.hasHeader == true ? ", after a first line that says what they are" : "")
        case (.lines, _): return "IDs with white space between them"
        case (.csv, "\t"), (.csv, "tab"): return "CSV with tabs between fields, \(header)"
        case (.csv, let separator): return "CSV with '\(separator ?? ",")' between fields, \(header)"
        case (.ndjson, _): return "a JSON document on each line"
        }
    }

    private var lookedAt: String {
        let count = survey.records
        if count.isExact { return CountText.of(count.records, "record") }
        return "the first \(CountText.of(survey.recordsLookedAt)) of \(Amount.of(count, "record")) were looked at"
    }

    private var table: String {
        // What is taken is among those that are shown.
        var shown = Array(survey.columns.prefix(Self.mostColumns))
        if !shown.contains(where: { $0.number == chosen.column.number }) { shown.append(chosen.column) }
        let rest = survey.columns.count - shown.count
        let rows = shown.map { column in
            [TextTable.Cell(text: column.shownName)] + Self.shares(column.sample)
                + [TextTable.Cell(text: column.number == chosen.column.number ? "← taken" : "")]
        }
        return TextTable(columns: ["column", "empty", "distinct", "like IDs", ""], rows: rows).text
            + (rest > 0 ? "(and \(rest) more)\n" : "")
    }

    /// Of all records the empty ones; of those that have a value the others.
    static func shares(_ sample: ColumnSample) -> [TextTable.Cell] {
        [(sample.empty, sample.records), (sample.distinct, sample.filled), (sample.idLike, sample.filled)].map {
            TextTable.Cell(text: Amount.share($0.0, of: $0.1), isNumber: true)
        }
    }

    private var doubts: [String] {
        let sample = chosen.column.sample
        var lines: [String] = []
        if sample.empty > 0 {
            lines.append("Without an ID: \(CountText.of(sample.empty, "record")); a run counts each as failed.")
        }
        if sample.distinct < sample.filled {
            lines.append(
                "IDs that repeat: \(CountText.of(sample.filled - sample.distinct)); 'distinct: true' asks for each once."
            )
        }
        if sample.invalid > 0 {
            lines.append(
                "Not valid UTF-8: \(CountText.of(sample.invalid, "ID")), which can't be asked for; "
                    + "'iconv -f WINDOWS-1252 -t UTF-8' may help.")
        }
        if sample.filled > 0, sample.idLike * 2 < sample.filled {
            lines.append("Few of these look like IDs: they hold blanks, dates or fractions.")
        }
        if survey.broken > 0 {
            lines.append("No JSON map: \(CountText.of(survey.broken, "line")); a run counts each as failed.")
        }
        return lines
    }
}
