public import PipelineCore

extension FileUserReader: Plugin {
    public static let kind = PluginKind.userReader
    public static let typeName = "file"
    public static let summary = "User IDs from a file: lines or CSV, plain or gzip."

    // None of these is part of the fingerprint: the hash of the input that was read tells whether it is the same.
    public static let schema = OptionSchema([
        OptionField(
            "path", .path(allowsDash: false), .required,
            "The file. gzip is recognised by its first bytes, not by its name."),
        OptionField(
            "format", .enumeration(Format.allCases.map(\.rawValue)), .optional,
            "lines (an ID on each) or csv. Default: what the name says (.txt, .csv, each also with .gz)."),
        OptionField(
            "column", .fieldPath, .optional, "csv: where the IDs stand, a name in the header or a number from 1."),
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
    ///   can't be found.
    public static func make(_ options: Options, _ context: PluginContext) throws -> FileUserReader {
        guard let path = options.path("path"), !path.written.isEmpty else {
            throw OptionError("path", "names no file")
        }
        guard path.written != "-" else {
            throw OptionError(
                "path",
                "standard input is not supported, because a resumed run could not read it again: write the "
                    + "IDs to a file (a file with the name '-' is './-')")
        }
        guard let format = try options.text("format").map(namedFormat) ?? format(ofFile: path.written) else {
            throw OptionError(
                "format", "can't be told from the name '\(path.written)': set it to 'lines' or 'csv'")
        }
        let separatorName = options.text("separator") ?? ","
        guard let separator = separators.first(where: { $0.name == separatorName })?.byte else {
            throw OptionError("separator", "'\(separatorName)' is none of , ; | tab")
        }
        let hasHeader = options.boolean("header") ?? true
        return FileUserReader(
            path: path, format: format,
            column: try column(options.names("column"), format: format, hasHeader: hasHeader), hasHeader: hasHeader,
            separator: separator, distinct: options.boolean("distinct") ?? false)
    }

    private static func namedFormat(_ name: String) throws -> Format {
        guard let format = Format(rawValue: name) else {
            throw OptionError("format", "'\(name)' is neither 'lines' nor 'csv'")
        }
        return format
    }

    private static func format(ofFile name: String) -> Format? {
        var name = name.lowercased()
        if name.hasSuffix(".gz") { name.removeLast(3) }
        if name.hasSuffix(".txt") { return .lines }
        if name.hasSuffix(".csv") { return .csv }
        return nil
    }

    private static func column(_ names: [String]?, format: Format, hasHeader: Bool) throws -> CSVFormat.Column {
        guard format == .csv else {
            if names != nil { throw OptionError("column", "a file of lines has no columns; for CSV set 'format: csv'") }
            return .number(1)
        }
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
