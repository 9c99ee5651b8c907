public import PipelineCore

/// The options of a pipeline's top level.
public enum PipelineSchema {
    /// Keys of the top level that begin with it are ignored: a place for anchors.
    static let freePrefix = "x-"

    public static let schema = OptionSchema([
        OptionField(
            "pipeline", .pattern(.name), .required,
            "The pipeline's name; names runs, checkpoints and locks"),
        OptionField(
            "source", .plugin(.source), .required, shapesOutput: true, "Where the records come from"),
        OptionField(
            "transforms", .list(.plugin(.transform)), .defaulted("[]"), shapesOutput: true,
            "Edits of each endpoint before flattening, for all sinks"),
        OptionField(
            "flatten", .object(flatten), .defaulted("{}"), shapesOutput: true, "How endpoints become rows"
        ),
        OptionField("sinks", .list(.plugin(.sink)), .required, "Where the rows go, at least one place"),
        OptionField(
            "batch_size", .integer(1...10_000), .optional, shapesOutput: true,
            "Users in one commit, 500 where it isn't given; lines of an archive, 10000"),
        OptionField(
            "limits", .object(limits), .defaulted("{}"), "What stops a run before it does harm"),
        OptionField(
            "on_changed_input", .enumeration(ChangedInputPolicy.allCases.map(\.rawValue)),
            .defaulted("refuse"),
            "What happens when the input that a run has read is no longer the same"),
        OptionField(
            "on_new_columns", .enumeration(NewColumnsPolicy.allCases.map(\.rawValue)), .defaulted("add"),
            "What happens when a table exists and lacks columns that this pipeline writes"),
        OptionField(
            "report", .object(report), .defaulted("{}"), "Where a run's summary is left for others"),
        OptionField(
            "tests", .list(.object(test)), .defaulted("[]"), cameLater: true,
            "Documents and the rows that are expected of them, for 'sluice test'"),
        OptionField(
            "state_directory", .path(allowsDash: false), .defaulted(".sluice"),
            "Folder for spools and locks"),
    ])

    static let flatten = OptionSchema([
        OptionField(
            "layout", .enumeration(TableLayout.allCases.map(\.rawValue)), .defaulted("normalized"),
            shapesOutput: true,
            "normalized: nested maps become tables of their own; document: JSON in columns of the endpoints table"
        ),
        OptionField(
            "columns", .list(.object(columns)), .optional, shapesOutput: true,
            "Further columns of the endpoints table, pulled out of an endpoint's members"),
    ])

    static let columns = OptionSchema(
        [
            OptionField(
                "name", .pattern(.columnName), .required, shapesOutput: true,
                "The column's name, which differs from the others' not in case alone"),
            OptionField(
                "from", .fieldPath, .required, shapesOutput: true,
                "The member, such as Attributes.plan, [Attributes, e.mail], Metrics.age or User.UserAttributes.tier"
            ),
            OptionField(
                "as", .enumeration(["first", "joined", "json", "number"]), .required, shapesOutput: true,
                "first: a list's first value as text; joined: all of them; json: the value as it is; number: the first as a "
                    + "number"),
            OptionField(
                "separator", .text, .optional, shapesOutput: true,
                "What stands between the values of 'joined', a comma where it isn't given"),
        ],
        rules: [
            OptionRule(
                .missing("separator"), where: [.isOneOf("as", ["first", "json", "number"])],
                "goes with 'as: joined' alone")
        ])

    static let test = OptionSchema([
        OptionField("name", .text, .optional, "What the test shows, in a few words"),
        OptionField(
            "documents", .list(.document), .required,
            "Endpoints, or whole answers, as the service spells them: YAML, or text that holds JSON"),
        OptionField(
            "user", .text, .optional,
            "The user ID that is asked for, where it isn't the one in the documents"),
        OptionField(
            "sink", .text, .optional, "The sink whose rows are meant; without it, every sink's"),
        OptionField(
            "rows", .map(.list(.document)), .required,
            "For each table that is looked at, all of its rows in order; of a row the columns that are named"
        ),
    ])

    static let report = OptionSchema([
        OptionField(
            "json", .path(allowsDash: false), .optional, place: .outputFile(companions: []),
            "The file that gets the summary as one line of JSON when a run ends, in place of the one before"
        )
    ])

    static let limits = OptionSchema([
        OptionField(
            "max_failed", .shareOrCount, .defaulted("1%"), "Failed records, of those read so far"),
        OptionField(
            "accept_failed", .shareOrCount, .defaulted("0"),
            "Failed records with which a complete run still counts as a success"),
        OptionField(
            "accept_invalid", .shareOrCount, .defaulted("0"),
            "Records without a usable ID that aren't counted among the failed ones; with more a replace isn't published"
        ),
        OptionField(
            "max_absent", .shareOrCount, .defaulted("95%"), "Absent users, of the records read so far"),
        OptionField(
            "max_removed", .shareOrCount, .defaulted("20%"),
            "Removed endpoints, of those that the users fetched so far had before; of a replace, of all that is published"
        ),
        OptionField("min_records", .integer(0...Int.max), .defaulted("1"), "Records of a whole run"),
    ])
}

extension TextPattern {
    /// The name of a pipeline or a sink.
    static let name = TextPattern(
        expression: "^[a-z0-9][a-z0-9_-]{0,62}$",
        summary: "1 to 63 of a-z, 0-9, '_' and '-', with a letter or a digit first"
    ) { text in
        let bytes = text.utf8
        guard (1...63).contains(bytes.count), let first = bytes.first, isLetterOrDigit(first) else {
            return false
        }
        return bytes.allSatisfy {
            isLetterOrDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
        }
    }

    /// The name of a column: what every store and loader takes.
    static let columnName = TextPattern(
        expression: "^[A-Za-z_][A-Za-z0-9_]{0,62}$",
        summary: "1 to 63 letters of ASCII, digits and '_', no digit first"
    ) { text in
        let bytes = text.utf8
        func isLetter(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        guard (1...63).contains(bytes.count), let first = bytes.first, isLetter(first) else {
            return false
        }
        return bytes.allSatisfy { isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
