internal import FilePlugins
internal import Foundation
internal import LocalFiles
internal import PipelineConfig
internal import PipelineCore
internal import PostgresPlugins

/// What `init` writes, and where, once it is known what there is.
struct InitPlan {
    /// The pipeline's file, as it was named or as it is derived.
    let file: String
    let draft: PipelineDraft
    let schema: SchemaFile
    /// Variables that the pipeline names, with what to put into them.
    let variables: [(name: String, words: String)]
    /// What was found, for a person.
    let account: String

    /// - Throws: `PipelineError`, where nobody can tell what is meant, or something is in the way.
    init(_ input: InitInput, _ options: InitCommand) throws {
        let name = Self.pipelineName(options.file ?? Self.stem(of: input, options.from), isFile: options.file != nil)
        file = options.file ?? name + ".yaml"
        guard try PathEntry(file) == .nothing else { throw NewFile.isThere(file) }
        let folder = Folder.of(file)
        guard let resolved = Folder.resolved(folder) else {
            throw PipelineError(
                .cantCreate, "the folder \(folder), where \(file) is to go, doesn't exist",
                hint: "Make it, or name another.")
        }
        let paths = PipelinePaths(folder: resolved)
        schema = SchemaFile(besidePipelineIn: resolved)
        var variables: [(name: String, words: String)] = []
        let service = PipelineDraft.Service(
            applicationID: options.applicationID, region: options.region, endpointURL: options.endpointURL)
        let outputURL = options.to.flatMap { InitInput.isPostgresURL($0) ? $0 : nil }
        let source: PipelineDraft.Lines
        var limits: PipelineDraft.Lines = []
        var test = PipelineDraft.callTest
        switch input {
        case .starter:
            account =
                "Without --from it is a pipeline to be filled in: users.csv, its column user_id, and Amazon Pinpoint."
            source = PipelineDraft.pinpoint(
                service,
                users: [
                    "type: file   # or sqlite, postgres: a query", "path: users.csv",
                    "format: csv   # or lines, ndjson",
                    "header: true", "column: user_id",
                ])
        case .list(let path, let survey):
            let column = try UserColumn(survey, wanted: options.column, file: path.written)
            account = ListAccount(path: path.written, survey: survey, chosen: column).text
            source = PipelineDraft.pinpoint(
                service, users: PipelineDraft.list(paths.written(path), survey, column.column))
            limits = Self.limits(column.column.sample)
        case .archive(let path, let found):
            try Self.requireOutside(resolved, path, file)
            account = ArchiveAccount(path: path.written, found: found).text
            source = PipelineDraft.archive(paths.written(path), found, applicationID: options.applicationID)
            let named = source.contains { $0.hasPrefix("application_id:") }
            test = PipelineDraft.archiveTest(application: named ? nil : "application-1")
        case .sqlite(let path, let survey):
            let chosen = try DatabaseAccount.choose(survey, options)
            account = DatabaseAccount(survey: survey, chosen: chosen).text
            source = PipelineDraft.pinpoint(
                service,
                users: [
                    "type: sqlite", "path: \(YAMLText.literal(paths.written(path)))",
                    "query: \(YAMLText.literal(chosen.query))",
                ])
        case .postgres(let survey):
            let chosen = try DatabaseAccount.choose(survey, options)
            account = DatabaseAccount(survey: survey, chosen: chosen).text
            let url = options.from ?? ""
            let isShared = outputURL == nil || outputURL == url
            source = PipelineDraft.pinpoint(
                service,
                users: [
                    "type: postgres",
                    "url: \(Self.written(url, as: isShared ? "DATABASE_URL" : "USERS_DATABASE_URL", "--from", &variables))",
                    "query: \(YAMLText.literal(chosen.query))",
                ])
        }
        let sink: PipelineDraft.Lines
        switch try options.to.map(InitOutput.init) {
        case .sqlite(let path): sink = PipelineDraft.sqlite(paths.written(path))
        case .folder(let path): sink = PipelineDraft.folder(paths.written(path))
        case .postgres(let url):
            sink = PipelineDraft.postgres(Self.written(url, as: "DATABASE_URL", "--to", &variables))
        case nil:
            // The users of a database can't be where the rows go by default.
            let place = "out/\(name)"
            let isTaken = Self.holds(input, resolved + "/" + place + ".sqlite")
            sink = PipelineDraft.sqlite(place + (isTaken ? "-endpoints.sqlite" : ".sqlite"))
        }
        draft = PipelineDraft(
            pipeline: name, origin: options.from.map { Self.origin(input, $0) }, schema: schema.name, source: source,
            sink: sink, limits: limits, test: test, file: file)
        if draft.needsApplicationID {
            variables.insert(("PINPOINT_APP_ID", "the application's ID: 'aws pinpoint get-apps' lists them"), at: 0)
        }
        if options.endpointURL != nil, !Self.hasCredentials {
            variables.append(
                ("AWS_ACCESS_KEY_ID", "calls are signed; a server that doesn't verify that takes any value"))
            variables.append(("AWS_SECRET_ACCESS_KEY", "likewise"))
        }
        self.variables = variables
    }

    /// Whether the environment says where credentials come from. Who asks another server than AWS may have none.
    private static var hasCredentials: Bool {
        let names = [
            "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        ]
        return names.contains { ProcessInfo.processInfo.environment[$0]?.isEmpty == false }
    }

    /// What the pipeline names in place of a URL: itself, where it holds no password.
    private static func written(
        _ url: String, as variable: String, _ option: String, _ variables: inout [(name: String, words: String)]
    ) -> String {
        guard PostgresSurvey.holdsPassword(url) else { return YAMLText.literal(url) }
        if ProcessInfo.processInfo.environment[variable] != url, !variables.contains(where: { $0.name == variable }) {
            variables.append((variable, "the URL that you gave \(option): it holds a password, so the file doesn't"))
        }
        return "${\(variable)}"
    }

    private static func origin(_ input: InitInput, _ from: String) -> String {
        if case .postgres(let survey) = input { return PrintableText.of(survey.place) }
        return PrintableText.of(from)
    }

    /// Where many records have no usable ID, a run would be stopped by the usual limits.
    private static func limits(_ sample: ColumnSample) -> PipelineDraft.Lines {
        guard sample.records > 0, sample.empty * 200 > sample.records else { return [] }
        let percent = min(100, sample.empty * 100 / sample.records + 2)
        return [
            "max_failed: \(percent)%   # \(Amount.share(sample.empty, of: sample.records)) of the rows looked at have no ID, and count as failed",
            "accept_invalid: \(percent)%   # and aren't to make the run's exit code 65",
        ]
    }

    /// A pipeline in the folder that it reads would be one of its inputs.
    private static func requireOutside(_ folder: String, _ path: PathOption, _ file: String) throws {
        guard let archive = Folder.resolved(path.resolved), folder == archive || folder.hasPrefix(archive + "/") else {
            return
        }
        throw PipelineError(
            .usage, "\(file) would stand in \(path.written), which the pipeline reads, and so would what it writes",
            hint: "Go to another folder and name this one from there, such as: sluice init --from "
                + (archive.split(separator: "/").last.map { String($0) } ?? "exports") + "/")
    }

    private static func holds(_ input: InitInput, _ path: String) -> Bool {
        if case .sqlite(let database, _) = input { return Folder.resolved(database.resolved) == Folder.resolved(path) }
        return false
    }

    // MARK: Names

    private static func stem(of input: InitInput, _ from: String?) -> String {
        switch input {
        case .starter: return "pipeline"
        case .postgres(let survey): return survey.place.split(separator: "/").last.map { String($0) } ?? "users"
        case .list(let path, _), .archive(let path, _), .sqlite(let path, _):
            // Of a glob the last folder before it: what matches has no one name.
            let parts = path.resolved.split(separator: "/").prefix { !$0.contains { "*?[".contains($0) } }
            return parts.last.map { String($0) } ?? "pipeline"
        }
    }

    /// 1 to 63 of a-z, 0-9, '_' and '-', with a letter or a digit first.
    private static func pipelineName(_ text: String, isFile: Bool) -> String {
        var name = String(text.split(separator: "/").last ?? "").lowercased()
        for ending in [
            ".gz", ".zst", isFile ? ".yaml" : ".csv", ".yml", ".txt", ".tsv", ".ndjson", ".jsonl", ".json",
            ".sqlite3", ".sqlite", ".db",
        ]
        where name.hasSuffix(ending) && name.utf8.count > ending.utf8.count {
            name.removeLast(ending.count)
        }
        var result = ""
        for character in name {
            let isKept = character.isASCII && (character.isLetter || character.isNumber || character == "_")
            if isKept { result.append(character) } else if !result.isEmpty, result.last != "-" { result.append("-") }
        }
        result = String(result.drop { !$0.isLetter && !$0.isNumber }.prefix(63))
        while result.last == "-" { result.removeLast() }
        return result.isEmpty ? "pipeline" : result
    }
}

/// Paths as a pipeline in a folder writes them: relative to that folder, unless they were given as absolute ones.
struct PipelinePaths {
    /// Without symbolic links.
    let folder: String

    func written(_ path: PathOption) -> String { written(path.written) }

    func written(_ path: String) -> String {
        guard !path.hasPrefix("/") else { return path }
        let isFolder = path.hasSuffix("/")
        let absolute = URL(fileURLWithPath: path).path
        // What isn't there yet has no links, but the folder that it goes to may have.
        var existing = absolute
        var rest: [Substring] = []
        while Folder.resolved(existing) == nil, existing != "/" {
            rest.insert(existing.split(separator: "/").last ?? "", at: 0)
            existing = Folder.of(existing)
        }
        let target = (Folder.resolved(existing) ?? existing).split(separator: "/") + rest
        let base = folder.split(separator: "/")
        let common = zip(base, target).prefix { $0 == $1 }.count
        let steps = Array(repeating: "..", count: base.count - common) + target.dropFirst(common).map { String($0) }
        let relative = steps.isEmpty ? "." : steps.joined(separator: "/")
        return isFolder ? relative + "/" : relative
    }
}
