internal import ArgumentParser
internal import Foundation
internal import PipelineConfig
internal import PipelineCore
internal import PipelineEngine

/// `sluice verify`: whether all sinks hold the same rows of the last complete run, or two folders the same rows.
struct VerifyCommand: PipelineCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Compare the rows of the last complete run in all sinks, or those of two folders.",
        discussion: CommandHelp(
            "sluice verify nightly.yaml",
            "sluice verify out/current lake/json --output json",
            words: """
                Each table's rows are counted, and the 128-bit hashes of their values are summed, whatever order, store or \
                mode they stand in; where that differs, the first differing keys are named, and the columns that differ. \
                Values are never printed; keys hold user IDs, and are printed on standard output. Each sink is checked \
                against its own account too: the run's counts, and in NDJSON the manifest's rows, bytes and SHA-256.

                Of two folders one is a published run of NDJSON, and the other another one, or what an engine wrote: a \
                folder of JSON lines for each table. run_id and logical_date aren't compared then. One run alone is \
                checked against its manifest.

                Exits with 65 where something differs, 66 where no run is complete in every sink, and 75 where a later run \
                has begun to take the place of the rows.
                """, exits: CommandHelp.exitsOfSinks + [.incomplete]
        ).text)

    @Argument(
        help: ArgumentHelp("The pipeline's file; or one folder of rows, or two.", valueName: "file"),
        completion: PipelineFile.completion)
    var places: [String]

    @Option(
        help: ArgumentHelp("Of folders: leave this column out; may be repeated.", valueName: "column"))
    var ignore: [String] = []

    @Option(
        help: ArgumentHelp(
            "Of folders: which of an endpoint's rows counts where only one of them has several: newest, or last.",
            valueName: "policy"), completion: .list(ConflictPolicy.allCases.map(\.rawValue)),
        transform: { name in
            guard let policy = ConflictPolicy(rawValue: name) else {
                throw ValidationError("'\(name)' is none of newest, last.")
            }
            return policy
        })
    var conflict: ConflictPolicy?

    @Option(name: .shortAndLong, help: "How the result looks: text, or json on one line.")
    var output = OutputFormat.text

    @Flag(name: .shortAndLong, help: "Print no text where the exit code is 0.")
    var quiet = false

    @OptionGroup var settings: SettingsOptions

    @OptionGroup(title: "Logging") var logging: LogOptions

    func validate() throws {
        guard places.count <= 2 else { throw ValidationError("Two folders are compared at most.") }
        if places.count == 2, let file = places.first(where: Self.isFile) {
            throw ValidationError(
                "Two folders are compared, and '\(file)' is a file; of a pipeline name nothing else.")
        }
        if !hasFolders, !ignore.isEmpty || conflict != nil {
            throw ValidationError(
                "--ignore and --conflict are for folders; a pipeline's sinks are compared as it says.")
        }
    }

    func run(_ host: PluginHost) async throws {
        try ProcessLimits.looked(runs: false)
        let log = logging.logger()
        let report = hasFolders ? try await comparedFolders() : try await comparedSinks(host)
        if !quiet || output == .json || report.exitCode != 0 {
            Terminal.writeResult(output == .json ? report.json : report.text)
        }
        if let error = report.error {
            logging.report("sluice: error: \(error)", exitCode: report.exitCode, to: log)
        } else if !report.isEqual {
            let verdict =
                !hasFolders
                ? "the sinks differ" : places.count == 2 ? "the folders differ" : "the run isn't what its manifest says"
            logging.report("sluice: \(verdict): standard output says where", exitCode: report.exitCode, to: log)
        }
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }

    /// Folders are named, and no pipeline.
    private var hasFolders: Bool { places.count == 2 || places.contains(where: Self.isFolder) }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    private static func isFile(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path) && !isFolder(path)
    }

    private func comparedSinks(_ host: PluginHost) async throws -> VerificationReport {
        let log = logging.logger()
        let pipeline: PipelineFile
        do {
            pipeline = try PipelineFile(path: places[0], host: host, log: log, wanted: .sinks)
        } catch let errors as ConfigurationErrors {
            logging.report("\(errors)", exitCode: errors.kind.rawValue, to: log)
            throw ExitCode(errors.kind.rawValue)
        }
        let plan = pipeline.plan()
        let report = await plan.verification(transformed: pipeline.configuration.sinks.map { !$0.transforms.isEmpty })
        await plan.source.lookup?.shutdown()
        return report
    }

    private func comparedFolders() async throws -> VerificationReport {
        do {
            let folders = try ComparedFolders(places)
            try folders.check(ignored: ignore)
            return await FolderVerification(
                folders.opened, ignoring: Set(ignore), conflict: conflict ?? .newest
            ).perform()
        } catch let error as PipelineError { return VerificationReport(error: error) }
    }
}
