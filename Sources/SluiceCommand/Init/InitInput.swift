internal import FilePlugins
internal import Foundation
internal import PipelineConfig
internal import PipelineCore
internal import PostgresPlugins
internal import SQLitePlugins

/// What `--from` names, as far as a look at it tells.
enum InitInput {
    /// Nothing was named: a pipeline to be filled in.
    case starter
    case list(PathOption, ListSurvey)
    case archive(PathOption, ArchiveFindings)
    case sqlite(PathOption, DatabaseSurvey)
    case postgres(DatabaseSurvey)

    /// Looks at what is named.
    ///
    /// - Throws: `PipelineError`: `.usage` for what can't be read from here, `.noInput` for what is missing or nothing of it all.
    static func find(_ text: String?, _ choice: DatabaseChoice) async throws -> InitInput {
        guard let text else { return .starter }
        if isPostgresURL(text) { return .postgres(try await PostgresSurvey.look(Secret(text), choice)) }
        if let scheme = RemotePath.scheme(of: text) {
            throw PipelineError(
                .usage, "--from names something that isn't read from where it is: \(scheme):…",
                hint: "Of what is elsewhere only postgresql:// is read; \(RemotePath.hint(for: scheme)).")
        }
        guard text != "-" else {
            throw PipelineError(
                .usage, "standard input can't be looked at beforehand",
                hint:
                    "Keep its beginning in a file, 'head -n 1000 > ids.txt', and write 'path: -' into what comes of it."
            )
        }
        guard !text.isEmpty else { throw PipelineError(.usage, "--from names nothing", hint: "Name a path or a URL.") }
        let path = PathOption(written: text, resolved: URL(fileURLWithPath: text).path)
        switch try kind(path) {
        case .folder: return .archive(path, try await archive(path))
        case .database: return .sqlite(path, try await SQLiteSurvey.look(path, choice))
        case .file:
            // What can't be read as an archive may be a list: that look says what is wrong with it.
            if let found = try? await ArchiveFindings.look(path), found.isArchive { return .archive(path, found) }
            return .list(path, try ListSurvey(path))
        }
    }

    static func isPostgresURL(_ text: String) -> Bool {
        text.hasPrefix("postgresql://") || text.hasPrefix("postgres://")
    }

    private enum Kind {
        case file
        /// Also a glob.
        case folder
        case database
    }

    private static func kind(_ path: PathOption) throws -> Kind {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path.resolved, isDirectory: &isFolder) else {
            if path.written.contains(where: { "*?[".contains($0) }) { return .folder }
            throw PipelineError(
                .noInput, "\(path.written) doesn't exist", hint: "Name a file, a folder, a glob or a database.")
        }
        if isFolder.boolValue { return .folder }
        return SQLiteSurvey.isDatabase(FileHead.of(path.resolved)) ? .database : .file
    }

    private static func archive(_ path: PathOption) async throws -> ArchiveFindings {
        let found = try await ArchiveFindings.look(path)
        guard found.isArchive else {
            throw PipelineError(
                .noInput, "\(path.written) holds \(CountText.of(found.survey.files, "file")), but hardly any endpoint",
                hint:
                    "An archive is what Pinpoint exported: endpoints as JSON, or its import CSV. For a list of users, "
                    + "name the file itself.")
        }
        return found
    }
}
