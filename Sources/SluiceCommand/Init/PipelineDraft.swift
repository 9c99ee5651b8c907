internal import FilePlugins
internal import PipelineCore

/// A pipeline's file, as `init` writes it: each option with a word on what it does.
struct PipelineDraft {
    /// A line of the file, or a block that is indented below it.
    typealias Lines = [String]

    var pipeline: String
    /// What the file was made from, for its second line; nil for a starter.
    var origin: String?
    var schema: String
    /// Below `source:`.
    var source: Lines
    /// The place of the rows.
    var sink: Lines
    /// Below `limits:`; empty for the defaults.
    var limits: Lines = []
    /// The pipeline's test.
    var test: Lines
    /// As the person who reads the file would call it.
    var file: String

    var text: String {
        var lines = ["# yaml-language-server: $schema=\(schema)"]
        let made = origin.map { "Made by 'sluice init' from \($0)." } ?? "Made by 'sluice init': fill in what is yours."
        lines += [
            "# \(made) What an option means: 'sluice plugins'. What is wrong here:",
            "# 'sluice validate \(file)'.", "pipeline: \(YAMLText.literal(pipeline))", "source:",
        ]
        lines += Self.indented(source)
        lines += [
            "# What is done to each endpoint before anything is written; 'sluice preview \(file)' shows what is left.",
            "# transforms:",
            "#   - {type: filter, where: {EndpointStatus: [ACTIVE]}}",
            "#   - {type: mask, paths: [Address], with: redact}",
            "sinks:",
        ]
        lines += Self.indented(sink)
        if !limits.isEmpty { lines += ["limits:"] + Self.indented(limits) }
        lines += ["# Documents and the rows that are expected of them: 'sluice test \(file)'.", "tests:"]
        lines += Self.indented(test)
        return lines.map { $0 + "\n" }.joined()
    }

    private static func indented(_ lines: Lines) -> Lines { lines.map { "  " + $0 } }

    // MARK: The source

    /// What a call of Amazon Pinpoint needs.
    struct Service {
        var applicationID: String?
        var region: String?
        var endpointURL: String?
    }

    /// - Parameter users: the reader's options, below `users:`.
    static func pinpoint(_ service: Service, users: Lines) -> Lines {
        var lines = ["type: pinpoint"]
        if let id = service.applicationID {
            lines.append("application_id: \(YAMLText.literal(id))")
        } else {
            lines.append("application_id: ${PINPOINT_APP_ID}   # or the ID itself; Pinpoint calls it the project ID")
        }
        if let region = service.region {
            lines.append("region: \(YAMLText.literal(region))")
        } else {
            lines.append("region: ${AWS_REGION:-us-east-1}   # where the application is")
        }
        if let url = service.endpointURL {
            lines.append("endpoint_url: \(YAMLText.literal(url))   # what answers in place of Amazon Pinpoint")
        } else {
            lines.append("# endpoint_url: http://127.0.0.1:4100   # a service to ask in place of Amazon Pinpoint")
        }
        lines.append("users:")
        lines += indented(users)
        lines.append(
            "rate_limit: {requests_per_second: 300, burst: 30}   # Pinpoint's quota, for the account and Region")
        return lines
    }

    /// - Parameters:
    ///   - column: nil where the format has none.
    ///   - isCounted: whether the sample had repetitions.
    static func list(_ path: String, _ survey: ListSurvey, _ column: ListSurvey.Column) -> Lines {
        var lines = ["type: file", "path: \(YAMLText.literal(path))", "format: \(survey.format.rawValue)"]
        if survey.format == .csv || survey.hasHeader == true {
            let words = survey.hasHeader == true ? "the first row holds names" : "the first row holds a user"
            lines.append("header: \(survey.hasHeader == true)   # \(words)")
        }
        if let separator = survey.separator { lines.append("separator: \(YAMLText.literal(separator))") }
        switch survey.format {
        case .lines: break
        case .csv:
            let isAmbiguous = survey.columns.count { $0.name == column.name } > 1
            let name = column.name.first.map { [$0] }
            lines.append("column: \(name.flatMap { isAmbiguous ? nil : YAMLText.names($0) } ?? "\(column.number)")")
        case .ndjson: lines.append("column: \(YAMLText.names(column.name))")
        }
        if column.sample.distinct < column.sample.filled {
            lines.append("distinct: true   # some IDs stand there more than once")
        }
        return lines
    }

    static func archive(_ path: String, _ found: ArchiveFindings, applicationID: String?) -> Lines {
        var lines = ["type: archive", "path: \(YAMLText.literal(path))"]
        if let id = applicationID {
            lines.append("application_id: \(YAMLText.literal(id))   # a record of another one is a failure")
        } else if found.endpointsWithoutApplication > 0, found.applications.isEmpty {
            lines.append("application_id: ${PINPOINT_APP_ID}   # the records don't say it")
        } else if found.endpointsWithoutApplication > 0, found.applications.count == 1,
            let only = found.applications.first
        {
            lines.append("application_id: \(YAMLText.literal(only))   # some records don't say it")
        } else {
            lines.append("# application_id: …   # each record says its own; with one here, another is a failure")
        }
        if !found.survey.unreadable.isEmpty {
            let names = found.survey.unreadable.prefix(5).map { YAMLText.literal($0.name) }.joined(separator: ", ")
            lines.append("# exclude: [\(names)]   # what can't be read is a failure, unless it is left out")
        }
        lines.append("conflict: newest   # of two records of one endpoint the later EffectiveDate counts; or: last")
        return lines
    }

    /// Whether the file leaves the application to the environment.
    var needsApplicationID: Bool { source.contains { $0.contains("${PINPOINT_APP_ID}") } }

    // MARK: The sink

    static func sqlite(_ path: String) -> Lines {
        [
            "- {type: sqlite, path: \(inBraces(path)), mode: merge}   # or append: each run's rows; replace: the last run's"
        ]
    }

    static func folder(_ path: String) -> Lines {
        ["- {type: ndjson, path: \(inBraces(path)), mode: append}   # or replace: the last run's files"]
    }

    /// - Parameter url: with a variable in place of what holds a password.
    static func postgres(_ url: String) -> Lines {
        [
            "- type: postgres", "  url: \(url)", "  schema: pinpoint   # made where it is missing",
            "  mode: merge   # or append: each run's rows; replace: the last run's",
        ]
    }

    /// A comma or a brace would end a plain text here.
    private static func inBraces(_ text: String) -> String {
        let scalar = YAMLText.literal(text)
        return scalar.hasPrefix("\"") || !scalar.contains(where: { "{}".contains($0) }) ? scalar : "\"\(scalar)\""
    }
}
