internal import LineInput
internal import PipelineCore

// Which options of a list of users go with which format.

extension FileUserReader {
    static var rules: [OptionRule] {
        [
            OptionRule(.given("format"), where: [.isLike("path", Format.unnamed)]) { options in
                "can't be told from the name '\(options.path("path")?.written ?? "")': set it to lines, csv or ndjson"
            }
        ] + lines + csv + ndjson
    }

    private static var lines: [OptionRule] {
        rules(
            of: .lines, .missing("column"),
            "a file of lines has no columns: set 'format' to csv or ndjson, or leave it out")
            + rules(of: .lines, .missing("separator"), where: [.isOneOf("separator", separators.map(\.name))]) {
                options in
                "'\(options.text("separator") ?? "")' is not for the format lines"
            }
    }

    private static var csv: [OptionRule] {
        rules(
            of: .csv, .given("column"),
            "say which column holds the user IDs: a name in the header, or a number from 1")
            + rules(
                of: .csv, .missing("separator"), where: [.isOneOf("separator", [whitespace])],
                "'whitespace' is for lines; a CSV file has one of , ; | tab")
            // Whoever counts columns may have no header: its first user would be taken for one.
            + rules(
                of: .csv, .given("header"), where: [.isLike("column", .columnNumber)],
                "has to be said where 'column' is a number: true if the first row holds names, false if it holds a user"
            )
            + rules(
                of: .csv, .missing("column"), where: [.isLike("column", .noColumn), .missing("header")],
                "there is no column 0: they are counted from 1 (a column that is called '0' takes 'header: true')")
            + rules(
                of: .csv, .missing("column"), where: [.isLike("column", .noColumn), .isBoolean("header", false)],
                "there is no column 0: they are counted from 1")
            + rules(
                of: .csv, .missing("column"), where: [.isLike("column", .columnName), .isBoolean("header", false)]
            ) { options in
                "without a header the column must be a number from 1, not "
                    + "'\(options.names("column")?.joined(separator: ".") ?? "")'"
            }
    }

    private static var ndjson: [OptionRule] {
        rules(
            of: .ndjson, .given("column"),
            "say where the user IDs stand: a path of member names, such as User.UserId")
            + rules(
                of: .ndjson, .missing("column"), where: [.isLike("column", .star)],
                "must lead to one value in each line, so '*' can't be part of it")
            + rules(of: .ndjson, .missing("separator")) { options in
                "'\(options.text("separator") ?? "")' is not for the format ndjson"
            }
    }

    private static func rules(
        of format: Format, _ demand: OptionRule.Demand, where conditions: [OptionRule.Condition] = [], _ message: String
    ) -> [OptionRule] {
        rules(of: format, demand, where: conditions) { _ in message }
    }

    /// Once for the format that is given, once for the one that the name tells.
    private static func rules(
        of format: Format, _ demand: OptionRule.Demand, where conditions: [OptionRule.Condition] = [],
        message: @escaping @Sendable (Options) -> String
    ) -> [OptionRule] {
        [
            OptionRule(demand, where: [.isOneOf("format", [format.rawValue])] + conditions, message: message),
            OptionRule(
                demand, where: [.missing("format"), .isLike("path", format.named)] + conditions, message: message),
        ]
    }
}

extension FileUserReader.Format {
    /// The endings of a file's name that tell the format, each also with what says that it is compressed.
    private var endings: [String] {
        switch self {
        case .lines: [".txt"]
        case .csv: [".csv"]
        case .ndjson: [".ndjson", ".jsonl"]
        }
    }

    /// The format that is given, else the one that the name tells; `lines` where neither does, which a rule forbids.
    static func of(_ options: Options, path: PathOption) -> Self {
        options.text("format").flatMap(Self.init) ?? named(path.written) ?? .lines
    }

    private static func named(_ path: String) -> Self? {
        let name = CompressedForm.nameUnpacked(path).lowercased()
        return allCases.first { format in format.endings.contains { name.hasSuffix($0) } }
    }

    /// Names that tell this format.
    var named: TextPattern {
        TextPattern(expression: "\(Self.expression(endings))$", summary: "a name of the format \(rawValue)") { path in
            Self.named(path) == self
        }
    }

    /// Names that tell none.
    static var unnamed: TextPattern {
        TextPattern(
            expression: "^(?!.*\(expression(allCases.flatMap(\.endings)))$)", summary: "a name that tells no format"
        ) { named($0) == nil }
    }

    /// In whatever case, which JSON Schema has no flag for.
    private static func expression(_ endings: [String]) -> String {
        func anyCase(_ text: String) -> String {
            text.map { $0.isLetter ? "[\($0.lowercased())\($0.uppercased())]" : "\\\($0)" }.joined()
        }
        func choice(_ texts: [String]) -> String { "(\(texts.map(anyCase).joined(separator: "|")))" }
        return choice(endings) + choice(CompressedForm.allCases.map(\.suffix)) + "?"
    }
}

extension TextPattern {
    fileprivate static let columnNumber = TextPattern(
        expression: "^[+-]?[0-9]*[1-9][0-9]*$", summary: "a number other than 0"
    ) { Int($0).map { $0 != 0 } ?? false }

    fileprivate static let noColumn = TextPattern(expression: "^[+-]?0+$", summary: "the number 0") { Int($0) == 0 }

    fileprivate static let columnName = TextPattern(
        expression: "^(?!\\+?[0-9]+$)", summary: "no number from 0 on"
    ) { Int($0).map { $0 < 0 } ?? true }

    fileprivate static let star = TextPattern(expression: #"(^|\.)\*(\.|$)"#, summary: "a path with '*'") {
        $0.split(separator: ".").contains("*")
    }
}
