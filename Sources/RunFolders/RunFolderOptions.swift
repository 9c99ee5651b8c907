public import PipelineCore

/// The options that every sink of run folders has, as fields for its schema and as values.
public struct RunFolderOptions: Sendable {
    /// Absolute.
    public var path: String
    public var mode: WriteMode
    /// Bytes.
    public var maxFileSize: Int

    /// The folder of the runs.
    public static let path = OptionField(
        "path", .path(allowsDash: false), .required,
        // Folders of runs themselves: in a folder that an earlier version wrote, until it is migrated.
        place: .outputFolder(entries: OutputFolder.entries, holdsRuns: true),
        "The folder for the runs; it and the folders on the way are made where they are missing.")

    /// `append` or `replace`.
    ///
    /// - Parameter typeName: the sink's, for the answer to whoever writes `merge`.
    public static func mode(of typeName: String) -> OptionField {
        // Not an enumeration: whoever writes `merge` here is told what to do instead.
        let pattern = TextPattern(
            expression: "^(append|replace)$", summary: "append or replace (\(noMerge(typeName)))"
        ) { $0 == WriteMode.append.rawValue || $0 == WriteMode.replace.rawValue }
        return OptionField(
            "mode", .pattern(pattern), .defaulted(WriteMode.append.rawValue), shapesOutput: true,
            "append: every run has its folder, and all are kept; replace: the newest run and the one before are kept.")
    }

    /// When a table's next file begins.
    ///
    /// - Parameter size: what is measured, as the first words of the option's line of documentation.
    public static func maxFileSize(_ size: String = "Size") -> OptionField {
        OptionField(
            "max_file_size", .size(1024...(1 << 40)), .defaulted("256MB"), shapesOutput: true,
            "\(size) after which a table's next batch begins a new file.")
    }

    /// Reads the three fields.
    ///
    /// - Throws: `OptionError` for a missing path, and for `merge`.
    public init(_ options: Options, typeName: String) throws {
        guard let path = options.path("path") else { throw OptionError("path", "is missing") }
        guard let mode = WriteMode(rawValue: options.text("mode") ?? WriteMode.append.rawValue), !mode.needsKeys else {
            throw OptionError("mode", Self.noMerge(typeName))
        }
        self.path = path.resolved
        self.mode = mode
        maxFileSize = options.size("max_file_size") ?? 256 << 20
    }

    private static func noMerge(_ typeName: String) -> String {
        "files have no keys, so \(typeName) has no merge: use append or replace, or merge into sqlite or postgres"
    }
}
