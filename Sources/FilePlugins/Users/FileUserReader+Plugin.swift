internal import LineInput
internal import LocalFiles
public import PipelineCore

extension FileUserReader: Plugin {
    public static let kind = PluginKind.userReader
    public static let typeName = "file"
    public static let summary = "User IDs from a file: lines, CSV or NDJSON, plain, gzip or zstd."

    // None of these is part of the fingerprint: the hash of the input that was read tells whether it is the same.
    public static let schema = OptionSchema(
        [
            OptionField(
                "path", .path(allowsDash: true), .required, place: .input,
                "The file; - is standard input. gzip and zstd are recognised by their first bytes, not by names."),
            OptionField(
                "format", .enumeration(Format.allCases.map(\.rawValue)), .optional,
                "lines (an ID on each), csv or ndjson. Default: by name: .txt, .csv, .ndjson, .jsonl, also with .gz or .zst."
            ),
            OptionField(
                "column", .fieldPath, .optional,
                "csv: the IDs' column, its name in the header or its number from 1. ndjson: a path, such as User.UserId."
            ),
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
        ], rules: rules)

    static let separators: [(name: String, byte: UInt8)] = [
        (",", UInt8(ascii: ",")), (";", UInt8(ascii: ";")), ("|", UInt8(ascii: "|")), ("tab", UInt8(ascii: "\t")),
        ("\t", UInt8(ascii: "\t")),
    ]
    static let whitespace = "whitespace"

    /// - Throws: `OptionError` or `OptionErrors` for a format that the name doesn't tell, and a column that is missing or
    ///   doesn't fit the format.
    public static func make(_ options: Options, _ context: PluginContext) throws -> FileUserReader {
        try schema.requireRules(options)
        guard let path = options.path("path"), !path.written.isEmpty else {
            throw OptionError("path", "names no file")
        }
        let place: Place =
            path.resolved == "-" ? .standardInput(StandardInputSpool(SpoolFolder(context.stateDirectory))) : .file(path)
        return FileUserReader(
            place: place, layout: layout(options, path: path), distinct: options.boolean("distinct") ?? false)
    }

    /// By rules: one that goes with the format.
    private static func layout(_ options: Options, path: PathOption) -> ListLayout {
        let column = options.names("column") ?? []
        let separator = options.text("separator")
        let hasHeader = options.boolean("header")
        switch Format.of(options, path: path) {
        case .lines:
            return separator == nil ? .lines(hasHeader: hasHeader ?? false) : .whitespace(hasHeader: hasHeader ?? false)
        case .csv:
            // A dotted name arrives in parts; `User.UserId` is what Pinpoint's own import files have in their header.
            let name = column.joined(separator: ".")
            let number = hasHeader == false ? Int(name) : nil
            return .csv(
                column: number.map { .number($0) } ?? .name(name), hasHeader: hasHeader ?? true,
                separator: separators.first { $0.name == separator }?.byte)
        case .ndjson: return .ndjson(path: column)
        }
    }
}
