public import PipelineCore

extension FileUserReader: Plugin {
    public static let kind = PluginKind.userReader
    public static let typeName = "file"
    public static let summary = "User IDs from a file: lines, CSV or NDJSON, plain or gzip."

    // None of these is part of the fingerprint: the hash of the input that was read tells whether it is the same.
    public static let schema = OptionSchema([
        OptionField(
            "path", .path(allowsDash: false), .required,
            "The file. gzip is recognised by its first bytes, not by its name."),
        OptionField(
            "format", .enumeration(Format.allCases.map(\.rawValue)), .optional,
            "lines (an ID on each), csv or ndjson. Default: by name: .txt, .csv, .ndjson, .jsonl, each also with .gz."),
        OptionField(
            "column", .fieldPath, .optional,
            "csv: the IDs' column, its name in the header or its number from 1. ndjson: a path, such as User.UserId."),
        OptionField("header", .boolean, .defaulted("true"), "csv: the first row holds the columns' names."),
        OptionField(
            "separator", .enumeration(separators.map(\.name)), .defaulted("\",\""),
            "csv: what stands between fields."),
        OptionField(
            "distinct", .boolean, .defaulted("false"),
            "Drop repeated IDs. Costs the IDs' bytes and about 50 more each; a resume reads from the start."),
    ])

    private static let separators: [(name: String, byte: UInt8)] = [
        (",", UInt8(ascii: ",")), (";", UInt8(ascii: ";")), ("|", UInt8(ascii: "|")), ("tab", UInt8(ascii: "\t")),
        ("\t", UInt8(ascii: "\t")),
    ]

    /// - Throws: `OptionError` for standard input, a format that the name doesn't tell, and a column that is missing or
    ///   doesn't fit the format.
    public static func make(_ options: Options, _ context: PluginContext) throws -> FileUserReader {
        guard let path = options.path("path"), !path.written.isEmpty else {
            throw OptionError("path", "names no file")
        }
        guard path.written != "-" else {
            throw OptionError(
                "path",
                "standard input is not supported, because a resumed run could not read it again: write the IDs to a "
                    + "file (a file with the name '-' is './-')")
        }
        return FileUserReader(
            path: path, layout: try layout(options, path: path), distinct: options.boolean("distinct") ?? false)
    }

    private static func layout(_ options: Options, path: PathOption) throws -> Layout {
        let column = options.names("column")
        switch try format(options, path: path) {
        case .lines:
            guard column == nil else {
                throw OptionError(
                    "column", "a file of lines has no columns: set 'format' to csv or ndjson, or leave it out")
            }
            return .lines
        case .csv:
            let separatorName = options.text("separator") ?? ","
            guard let separator = separators.first(where: { $0.name == separatorName })?.byte else {
                throw OptionError("separator", "'\(separatorName)' is none of , ; | tab")
            }
            let hasHeader = options.boolean("header") ?? true
            return .csv(column: try csvColumn(column, hasHeader), hasHeader: hasHeader, separator: separator)
        case .ndjson:
            guard let column, !column.isEmpty else {
                throw OptionError("column", "say where the user IDs stand: a path of member names, such as User.UserId")
            }
            guard !column.contains("*") else {
                throw OptionError("column", "must lead to one value in each line, so '*' can't be part of it")
            }
            return .ndjson(path: column)
        }
    }

    private static func format(_ options: Options, path: PathOption) throws -> Format {
        if let name = options.text("format") {
            guard let format = Format(rawValue: name) else {
                throw OptionError("format", "'\(name)' is none of lines, csv, ndjson")
            }
            return format
        }
        var name = path.written.lowercased()
        if name.hasSuffix(".gz") { name.removeLast(3) }
        let endings: [(String, Format)] = [(".txt", .lines), (".csv", .csv), (".ndjson", .ndjson), (".jsonl", .ndjson)]
        guard let format = endings.first(where: { name.hasSuffix($0.0) })?.1 else {
            throw OptionError(
                "format", "can't be told from the name '\(path.written)': set it to lines, csv or ndjson")
        }
        return format
    }

    private static func csvColumn(_ names: [String]?, _ hasHeader: Bool) throws -> CSVFormat.Column {
        guard let names, !names.isEmpty else {
            throw OptionError("column", "say which column holds the user IDs: a name in the header, or a number from 1")
        }
        // A dotted name arrives in parts; `User.UserId` is what Pinpoint's own import files have in their header.
        let name = names.joined(separator: ".")
        if hasHeader { return .name(name) }
        guard let number = Int(name), number > 0 else {
            throw OptionError("column", "without a header the column must be a number from 1, not '\(name)'")
        }
        return .number(number)
    }
}
