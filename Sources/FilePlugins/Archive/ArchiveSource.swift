public import PipelineCore

/// The source `archive`: records of earlier exports, read from files.
///
/// What a record means is no matter of files: a host hands in the decoder with `factory(decoder:)`.
public struct ArchiveSource: Plugin {
    public static let kind = PluginKind.source
    public static let typeName = "archive"
    public static let summary = "endpoints from exports: JSON or import CSV, plain, gzip or zstd, in files and folders"

    public static let schema = OptionSchema(
        [
            OptionField(
                "path", .path(allowsDash: false), .required,
                place: .inputs { $0.path("path").map(ArchiveListing.files) },
                "a file, a folder with its subfolders, or a glob (*, ?, [a-z], ** for folders), read in byte order of names"
            ),
            OptionField(
                "include", .list(.text), .optional,
                "globs over names: only what matches one is read; without a slash a file's or folder's own name, with one the path"
            ).checked(emptyGlobs),
            OptionField(
                "exclude", .list(.text), .optional,
                "globs over names: what matches one is left out, a folder with all that is in it"
            ).checked(emptyGlobs),
            OptionField(
                "application_id", .pattern(applicationIDPattern), .optional, shapesOutput: true,
                "the Pinpoint application of all endpoints; left out, each record says its own"),
            OptionField(
                "conflict", .enumeration(ConflictPolicy.allCases.map(\.rawValue)), .defaulted("newest"),
                shapesOutput: true,
                "of two records of one endpoint: newest keeps the later one unless its EffectiveDate is older, last always"
            ),
        ], rules: [OptionRule(.notEmpty("include"), "is an empty list, so nothing would be read")])

    private static let emptyGlobs: @Sendable (OptionValue) -> [OptionError] = { value in
        guard case .list(let globs) = value else { return [] }
        return globs.enumerated().compactMap { place, glob in
            guard case .text(let text) = glob, !text.contains(where: { $0 != "/" }) else { return nil }
            return OptionError(path: [String(place)], "an empty glob")
        }
    }

    private static let applicationIDPattern = TextPattern(
        expression: "^(?!\\.{1,2}$)[^\\x00-\\x1f]+$", summary: "an application ID, not empty, '.' or '..'",
        accepts: { text in !["", ".", ".."].contains(text) && !text.utf8.contains { $0 < 0x20 } })

    /// The plugin with a decoder for its records.
    ///
    /// - Parameter decoder: makes the decoder for the application that the configuration names; nil where it names none.
    public static func factory(
        decoder: @escaping @Sendable (_ applicationID: String?) -> any RecordDecoder
    ) -> PluginFactory {
        PluginFactory(Self.self) { options, context in
            guard let path = options.path("path"), !path.written.isEmpty else {
                throw OptionError("path", "names no file")
            }
            guard let conflict = ConflictPolicy(rawValue: options.text("conflict") ?? "newest") else {
                throw OptionError("conflict", "is none of newest, last")
            }
            return .archive(
                reader: ArchiveFileReader(
                    path: path, include: globs(options, "include"), exclude: globs(options, "exclude"),
                    warn: context.warn),
                decoder: decoder(options.text("application_id")), conflict: conflict)
        }
    }

    private static func globs(_ options: Options, _ key: String) -> [String]? {
        options.list(key)?.compactMap { if case .text(let glob) = $0 { glob } else { nil } }
    }

    /// - Throws: `OptionError`, always: without a decoder an archive's records mean nothing.
    public static func make(_ options: Options, _ context: PluginContext) throws -> SourcePlan {
        throw OptionError("type", "this program has no decoder for archives; it must be registered with one")
    }
}
