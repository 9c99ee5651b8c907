internal import LineInput
internal import LocalFiles
public import PipelineCore

extension FileUserReader: Plugin {
    public static let kind = PluginKind.userReader
    public static let typeName = "file"
    public static let summary = "User IDs from a file: lines, CSV or NDJSON, plain or gzip."

    // None of these is part of the fingerprint: the hash of the input that was read tells whether it is the same.
    public static let schema = OptionSchema([
        OptionField(
            "path", .path(allowsDash: true), .required, place: .input,
            "The file; - is standard input. gzip is recognised by its first bytes, not by its name."),
        OptionField(
            "format", .enumeration(Format.allCases.map(\.rawValue)), .optional,
            "lines (an ID on each), csv or ndjson. Default: by name: .txt, .csv, .ndjson, .jsonl, each also with .gz."),
        OptionField(
            "column", .fieldPath, .optional,
            "csv: the IDs' column, its name in the header or its number from 1. ndjson: a path, such as User.UserId."),
        OptionField(
            "header", .boolean, .optional,
            "The first row holds names, or says what the lines are. Default: false for lines; true for csv by name."
        ),
        OptionField(
            "separator", .enumeration(separators.map(\.name) + [whitespace]), .optional,
            "csv: what stands between fields; default: found in the first row. lines: whitespace for several IDs on one."
        ),
        OptionField(
            "distinct", .boolean, .defaulted("false"),
            "Drop repeated IDs. Costs the IDs' bytes and about 50 more each; a resume reads from the start."),
    ])

    static let separators: [(name: String, byte: UInt8)] = [
        (",", UInt8(ascii: ",")), (";", UInt8(ascii: ";")), ("|", UInt8(ascii: "|")), ("tab", UInt8(ascii: "\t")),
        ("\t", UInt8(ascii: "\t")),
    ]
    static let whitespace = "whitespace"

    /// - Throws: `OptionError` for a format that the name doesn't tell, and a column that is missing or
    ///   doesn't fit the format.
    public static func make(_ options: Options, _ context: PluginContext) throws -> FileUserReader {
        guard let path = options.path("path"), !path.written.isEmpty else {
            throw OptionError("path", "names no file")
        }
        let place: Place =
            path.resolved == "-" ? .standardInput(StandardInputSpool(SpoolFolder(context.stateDirectory))) : .file(path)
        return FileUserReader(
            place: place, layout: try layout(options, path: path), distinct: options.boolean("distinct") ?? false)
    }

    private static func layout(_ options: Options, path: PathOption) throws -> ListLayout {
        let column = options.names("column")
        let separatorName = options.text("separator")
        let format = try format(options, path: path)
        if let separatorName {
            switch (format, separatorName == whitespace) {
            case (.lines, true), (.csv, false): break
            case (.csv, true):
                throw OptionError("separator", "'whitespace' is for lines; a CSV file has one of , ; | tab")
            case (.lines, false), (.ndjson, _):
                throw OptionError("separator", "'\(separatorName)' is not for the format \(format.rawValue)")
            }
        }
        switch format {
        case .lines:
            guard column == nil else {
                throw OptionError(
                    "column", "a file of lines has no columns: set 'format' to csv or ndjson, or leave it out")
            }
            let hasHeader = options.boolean("header") ?? false
            return separatorName == nil ? .lines(hasHeader: hasHeader) : .whitespace(hasHeader: hasHeader)
        case .csv:
            let hasHeader = options.boolean("header")
            return .csv(
                column: try csvColumn(column, hasHeader), hasHeader: hasHeader ?? true,
                separator: separators.first { $0.name == separatorName }?.byte)
        case .ndjson:
            return try ndjson(column)
        }
    }

    private static func ndjson(_ column: [String]?) throws -> ListLayout {
        guard let column, !column.isEmpty else {
            throw OptionError("column", "say where the user IDs stand: a path of member names, such as User.UserId")
        }
        guard !column.contains("*") else {
            throw OptionError("column", "must lead to one value in each line, so '*' can't be part of it")
        }
        return .ndjson(path: column)
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

    private static func csvColumn(_ names: [String]?, _ hasHeader: Bool?) throws -> CSVColumn {
        guard let names, !names.isEmpty else {
            throw OptionError("column", "say which column holds the user IDs: a name in the header, or a number from 1")
        }
        // A dotted name arrives in parts; `User.UserId` is what Pinpoint's own import files have in their header.
        let name = names.joined(separator: ".")
        if hasHeader == nil, Int(name) != nil {
            // Whoever counts columns may have no header: its first user would be taken for one.
            throw OptionError(
                "header",
                "has to be said where 'column' is a number: true if the first row holds names, false if it holds a user"
            )
        }
        if hasHeader ?? true { return .name(name) }
        guard let number = Int(name), number > 0 else {
            throw OptionError("column", "without a header the column must be a number from 1, not '\(name)'")
        }
        return .number(number)
    }
}
