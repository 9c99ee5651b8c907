internal import ArgumentParser
internal import LocalFiles
internal import PipelineConfig
internal import PipelineCore

/// `sluice init`: looks at a list of users, an archive or a database, and writes a pipeline for it.
struct InitCommand: HostedCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Look at a list of users, an archive or a database, and write a pipeline for it.",
        usage: "sluice init [--from <path or url>] [--to <path or url>] [<options>] [<file>]",
        discussion: CommandHelp(
            "sluice init --from users.csv",
            "sluice init --from exports/ --to postgresql://db.example.com/pinpoint",
            words: """
                Says what it found, what it wrote, and what to do next. A list is lines, CSV or NDJSON; an archive is a \
                file, a folder or a glob of what Pinpoint exported; a database is an SQLite file or a postgresql:// URL. \
                All of them are only read, and nothing is written over. A URL with a password is named in the pipeline as \
                ${DATABASE_URL}. Without --from the pipeline is one to be filled in.
                """,
            exits: [.noInput, .unavailable, .cantCreate, .ioError, .temporary, .permission, .configuration]
        ).text)

    @Argument(
        help: ArgumentHelp("The pipeline's file, else one that is called after what was looked at.", valueName: "file"),
        completion: PipelineFile.completion)
    var file: String?

    @Option(
        help: ArgumentHelp("What to look at: a path, a glob or a postgresql:// URL.", valueName: "path or url"),
        completion: .file())
    var from: String?

    @Option(
        help: ArgumentHelp(
            "Where rows go: an SQLite file, a folder for NDJSON, or a postgresql:// URL. Without it an SQLite file in out/.",
            valueName: "path or url"), completion: .file())
    var to: String?

    @Option(help: ArgumentHelp("The column of the user IDs: a name, a number, or a path of names.", valueName: "name"))
    var column: String?

    @Option(help: ArgumentHelp("Of a database, the table of the user IDs.", valueName: "name"))
    var table: String?

    @Option(help: ArgumentHelp("Of a database, one SELECT of the user IDs.", valueName: "select"))
    var query: String?

    @Option(
        help: ArgumentHelp(
            "The Pinpoint application. Without it the pipeline names ${PINPOINT_APP_ID}.", valueName: "id"))
    var applicationID: String?

    @Option(
        help: ArgumentHelp(
            "The application's Region. Without it the pipeline names ${AWS_REGION}.", valueName: "region"))
    var region: String?

    @Option(
        name: .customLong("endpoint-url"),
        help: ArgumentHelp("What to ask in place of Amazon Pinpoint.", valueName: "url"))
    var endpointURL: String?

    @Flag(name: .shortAndLong, help: "Print nothing where all goes well.")
    var quiet = false

    func run(_ host: PluginHost) async throws {
        try ProcessLimits.looked(runs: false)
        let input = try await InitInput.find(from, DatabaseChoice(table: table, column: column, query: query))
        try requireFitting(input)
        let plan = try InitPlan(input, self)
        var written = [plan.file]
        try NewFile.write(plan.draft.text, to: plan.file)
        if let path = plan.schema.path {
            try NewFile.write(ConfigurationSchema.jsonSchema(registry: host.described) + "\n", to: path)
            let folder = plan.file.contains("/") ? Folder.of(plan.file) + "/" : ""
            written.append(folder + plan.schema.name)
        }
        if !quiet { Terminal.writeResult(plan.account + "\n\n" + next(plan, written)) }
    }

    /// Options that mean nothing for what was found.
    private func requireFitting(_ input: InitInput) throws {
        var unfit: [(option: String, value: String?)] = []
        let reason: String
        switch input {
        case .starter:
            reason = "nothing is looked at without --from"
            unfit = [("--column", column), ("--table", table), ("--query", query)]
        case .list(let path, _):
            reason = "\(path.written) is a list"
            unfit = [("--table", table), ("--query", query)]
        case .archive(let path, _):
            reason = "\(path.written) is an archive"
            unfit = [
                ("--column", column), ("--table", table), ("--query", query), ("--region", region),
                ("--endpoint-url", endpointURL),
            ]
        case .sqlite, .postgres:
            reason = "--query stands for both table and column"
            if query != nil { unfit = [("--column", column), ("--table", table)] }
        }
        guard let option = unfit.first(where: { $0.value != nil })?.option else { return }
        throw PipelineError(.usage, "\(option) means nothing here: \(reason)")
    }

    private func next(_ plan: InitPlan, _ written: [String]) -> String {
        var lines = ["Written: \(written.joined(separator: ", "))", "", "Next:"]
        for variable in plan.variables { lines.append("  export \(variable.name)=…   # \(variable.words)") }
        if from == nil { lines.append("  edit \(plan.file)") }
        return (lines + ["  sluice check \(plan.file)", "  sluice run \(plan.file)"]).joined(separator: "\n")
    }
}
