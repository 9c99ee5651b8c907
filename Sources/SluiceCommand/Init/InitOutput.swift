internal import Foundation
internal import PipelineConfig
internal import PipelineCore
internal import PostgresPlugins
internal import SQLitePlugins

/// Where the rows go: what `--to` names.
enum InitOutput {
    case sqlite(String)
    case folder(String)
    /// The URL, which may hold a password.
    case postgres(String)

    /// - Throws: `PipelineError` of kind `.usage` for what no sink writes.
    init(_ text: String) throws {
        if InitInput.isPostgresURL(text) {
            self = .postgres(text)
            return
        }
        if let scheme = RemotePath.scheme(of: text) {
            throw PipelineError(
                .usage, "--to names something that isn't written to where it is: \(scheme):…",
                hint: "Of what is elsewhere only postgresql:// is written to; \(RemotePath.hint(for: scheme)).")
        }
        guard !text.isEmpty, text != "-" else {
            throw PipelineError(.usage, "--to names nothing that rows can be kept in", hint: Self.choices)
        }
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: text, isDirectory: &isFolder)
        let name = text.lowercased()
        let ending = name.split(separator: "/").last.flatMap { $0.contains(".") ? $0.split(separator: ".").last : nil }
        if name.hasSuffix("/") || exists && isFolder.boolValue {
            self = .folder(text)
        } else if exists {
            guard FileHead.isEmpty(text) || SQLiteSurvey.isDatabase(FileHead.of(text)) else {
                throw PipelineError(.usage, "\(text) is there, and is no SQLite database", hint: Self.choices)
            }
            self = .sqlite(text)
        } else if ["sqlite", "sqlite3", "db", "db3"].contains(ending) {
            self = .sqlite(text)
        } else if ending == nil {
            self = .folder(text)
        } else {
            throw PipelineError(.usage, "nobody can tell from its name what \(text) is to be", hint: Self.choices)
        }
    }

    private static let choices =
        "Name a database, out/endpoints.sqlite; a folder for NDJSON, out/endpoints/; or a URL, postgresql://…"
}
