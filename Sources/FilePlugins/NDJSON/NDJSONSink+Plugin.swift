public import PipelineCore
internal import RunFolders

extension NDJSONSink: Plugin {
    public static let kind = PluginKind.sink
    public static let typeName = "ndjson"
    public static let summary = "Rows as lines of JSON, compressed: a folder for each run, files for each table."
    public static let schema = OptionSchema(
        [
            RunFolderOptions.path,
            RunFolderOptions.mode(of: typeName),
            OptionField(
                "compression", .enumeration(FileCompression.allCases.map(\.rawValue)),
                .defaulted(FileCompression.gzip.rawValue), shapesOutput: true,
                "gzip: one ordinary member a file (.ndjson.gz); zstd: a frame a batch (.ndjson.zst); none: plain (.ndjson)."
            ),
            OptionField(
                "level", .integer(1...(FileCompression.allCases.compactMap(\.levels?.upperBound).max() ?? 1)),
                .defaultedBy("compression", standardLevels), shapesOutput: true,
                "From 1, the fastest, to the smallest, \(FileCompression.allCases.compactMap(\.levelText).joined(separator: ", "))."
            ),
            RunFolderOptions.maxFileSize("Compressed size"),
        ], rules: rules)

    private static var standardLevels: [(text: String, yaml: String)] {
        FileCompression.allCases.compactMap { form in form.standardLevel.map { (form.rawValue, String($0)) } }
    }

    private static var rules: [OptionRule] {
        FileCompression.allCases.flatMap { form -> [OptionRule] in
            let isGiven = OptionRule.Condition.isOneOf("compression", [form.rawValue])
            guard let levels = form.levels else {
                return [
                    OptionRule(.missing("level"), where: [isGiven], "is for gzip and zstd: plain text has no level")
                ]
            }
            // Where none is given it is gzip, which an editor can't see.
            let conditions = form == .gzip ? [isGiven, .missing("compression")] : [isGiven]
            return conditions.map { condition in
                OptionRule(.within("level", levels), where: [condition]) { options in
                    "must be a whole number, from \(levels.lowerBound) to \(levels.upperBound) with \(form), not "
                        + "'\(options.integer("level") ?? 0)'"
                }
            }
        }
    }

    public static func make(_ options: Options, _ context: PluginContext) throws -> any Sink {
        try schema.requireRules(options)
        let folder = try RunFolderOptions(options, typeName: typeName)
        return NDJSONSink(
            name: context.name, path: folder.path, mode: folder.mode,
            compression: options.text("compression").flatMap(FileCompression.init) ?? .gzip,
            level: options.integer("level"), maxFileSize: folder.maxFileSize, warn: context.warn)
    }
}

extension FileCompression {
    /// "9 with gzip"
    fileprivate var levelText: String? { levels.map { "\($0.upperBound) with \(rawValue)" } }
}
