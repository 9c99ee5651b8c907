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

/// What an archive holds, for a person.
struct ArchiveAccount {
    let path: String
    let found: ArchiveFindings

    private static let mostApplications = 5

    var text: String {
        let survey = found.survey
        var lines = [
            "\(path): an archive of \(CountText.of(survey.files, "file")), \(CountText.of(bytes: survey.bytes)); "
                + "\(Amount.of(survey.records, "record"))\(survey.records.isExact ? "" : ", of which the first \(CountText.of(survey.recordsLookedAt)) were looked at")."
        ]
        lines.append("Applications: \(applications).")
        for (label, reasons) in [("Left out", survey.leftOut), ("Can't be read, a failure each", survey.unreadable)]
        where !reasons.isEmpty {
            lines.append(
                "\(label): "
                    + reasons.map { "\(CountText.of($0.count, "name")) (\(PrintableText.of($0.text)))" }.joined(
                        separator: ", ")
                    + ".")
        }
        let broken = survey.faults - min(survey.faults, survey.unreadable.reduce(0) { $0 + $1.count }) + found.strangers
        if broken > 0 { lines.append("No endpoint: \(CountText.of(broken, "record")); a run counts each as failed.") }
        return lines.joined(separator: "\n")
    }

    private var applications: String {
        let names = found.applications.prefix(Self.mostApplications).map { PrintableText.of($0, limit: 64) }
        let rest = found.applications.count - names.count
        var text = names.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
        if found.endpointsWithoutApplication > 0 {
            text +=
                (text.isEmpty ? "" : "; ") + "\(CountText.of(found.endpointsWithoutApplication, "endpoint")) say none"
        }
        return text
    }
}

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
        guard !survey.candidates.isEmpty else {
            let listed = survey.tables.prefix(10).map { table in
                PrintableText.of("\(table.name) (\(table.columns.prefix(20).joined(separator: ", ")))")
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
