internal import ArgumentParser
internal import FilePlugins
internal import Flattening
internal import Foundation
internal import Glibc
internal import Logging
internal import Pinpoint
internal import PipelineConfig
internal import PipelineCore
internal import PipelineEngine

/// `sluice flatten`: records of archives in, rows out.
struct FlattenCommand: PipelineCommand {
    static let configuration = CommandConfiguration(
        commandName: "flatten",
        abstract: "Make rows of archived endpoints, from files or standard input to standard output.",
        discussion: CommandHelp(
            "sluice flatten export-00.ndjson.gz --table endpoints > endpoints.ndjson",
            "sluice flatten --pipeline nightly.yaml < export-00.ndjson.zst",
            words: """
                A filter: the same records give the same rows, in their order, and nothing else is read, kept or called. It is \
                the stage that engines run, a task a file; retries and repeated tasks do no harm.

                Each line is {"table":…,"row":{…}}; with --table it is a row of that table, as a run publishes it in NDJSON. \
                Ordinals are file number × 2³² + record number, both from 0: with --file-number, a file's rows are those that \
                a run over the whole archive makes of it.

                What can't be read is a row of the table 'failures'; then the exit code is 65.
                """, exits: CommandHelp.exitsOfAFile + [.incomplete, .ioError]
        ).text)

    @Argument(
        help: ArgumentHelp(
            "Archives: files, folders, or - for standard input, which is read where none is named.",
            valueName: "file"), completion: .file())
    var files: [String] = []

    @Option(
        help: ArgumentHelp("Take transforms, columns, layout and application from this pipeline.", valueName: "file"),
        completion: PipelineFile.completion)
    var pipeline: String?

    @Option(
        help: ArgumentHelp("Make the rows of this sink, where the pipeline's get different ones.", valueName: "name"))
    var sink: String?

    @Option(
        help: ArgumentHelp("Without a pipeline: normalized, or document for one row an endpoint.", valueName: "layout"),
        completion: .list(TableLayout.allCases.map(\.rawValue)), transform: TableLayout.argument)
    var layout: TableLayout?

    @Option(name: .customLong("application-id"), help: "The application that endpoints belong to.")
    var applicationID: String?

    @Option(help: ArgumentHelp("Write the rows of this table alone.", valueName: "name"))
    var table: String?

    @Option(help: ArgumentHelp("Call the input so in 'failures'; without it, as it is named.", valueName: "name"))
    var source: String?

    @Option(help: ArgumentHelp("The first file's number; further files take the next ones.", valueName: "n"))
    var fileNumber = 0

    @Option(name: .customLong("run-id"), help: "Write this into run_id, which is null without it.")
    var runID: String?

    @Option(
        help: ArgumentHelp("Write this into logical_date, which is null without it.", valueName: "time"),
        transform: DateArgument.read)
    var logicalDate: Timestamp?

    @Option(
        help: ArgumentHelp("Work on so many pieces at once; without it, on as many as there are cores.", valueName: "n")
    )
    var threads: Int?

    @Flag(help: "Print the files that would be read, each with its number, as lines of JSON, and read none of them.")
    var list = false

    @Flag(name: .shortAndLong, help: "Don't say how many records failed.")
    var quiet = false

    @OptionGroup var settings: SettingsOptions

    @OptionGroup(title: "Logging") var logging: LogOptions

    private static let standardInput = "standard input"

    func validate() throws {
        if let threads, !(1...256).contains(threads) { throw ValidationError("--threads is a number from 1 to 256.") }
        guard (0..<ArchiveBounds().files).contains(fileNumber) else {
            throw ValidationError("--file-number is a number from 0 to \(ArchiveBounds().files - 1).")
        }
        if files.count(where: { $0 == "-" }) > 1 { throw ValidationError("Standard input can be read only once.") }
        if let empty = files.first(where: \.isEmpty) { throw ValidationError("'\(empty)' names no file.") }
        if source != nil, files.count > 1 { throw ValidationError("--source names one file, and here are several.") }
        if sink != nil, pipeline == nil {
            throw ValidationError("--sink names one of a pipeline's, and none is given.")
        }
        if layout != nil, pipeline != nil {
            throw ValidationError("The pipeline says which layout is meant: leave --layout out.")
        }
        if list, files.isEmpty || files.contains("-") { throw ValidationError("--list takes files and folders.") }
        if pipeline == "-", files.isEmpty || files.contains("-") {
            throw ValidationError("Standard input can't be the pipeline and its records.")
        }
        if files.isEmpty, isatty(STDIN_FILENO) == 1 {
            throw ValidationError("Name a file; or - to type records, and ^D at the end.")
        }
    }

    func run(_ host: PluginHost) async throws {
        do {
            try ProcessLimits.looked(runs: false)
            if list { return try await printFiles() }
            let shape: RowShape
            var application = applicationID
            if let pipeline {
                let file = try PipelineFile.read(pipeline, host, logging, settings, wanted: .rows)
                shape = try RowShape(of: file.configuration, sink: sink)
                application = application ?? file.configuration.source.applicationID
            } else {
                shape = RowShape(layout ?? .normalized)
            }
            let counts = try await flatten(shape, ArchiveLineDecoder(applicationID: application))
            guard counts.failed > 0 else { return }
            if !quiet {
                let records = CountText.of(counts.records, "record")
                logging.report(
                    "sluice: \(counts.failed) of \(records) failed; the reasons are in the table 'failures'",
                    exitCode: PipelineError.Kind.incomplete.rawValue, to: logging.logger())
            }
            throw ExitCode(PipelineError.Kind.incomplete.rawValue)
        } catch let error as PipelineError {
            logging.report("sluice: error: \(error)", exitCode: error.exitCode, to: logging.logger())
            throw ExitCode(error.exitCode)
        }
    }

    private func flatten(_ shape: RowShape, _ decoder: ArchiveLineDecoder) async throws -> RunCounts {
        let lines = RowLines(shape.layout.tables, only: try number(of: table, in: shape.layout.tables))
        let stage = RowStage(
            decoder, transforms: shape.transforms, layout: shape.layout,
            run: RowContext(runID: runID, logicalDate: logicalDate?.text),
            threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
        // Whoever has read enough of it ends the command, which is no failure.
        signal(SIGPIPE, SIG_IGN)
        // All of them, before anything is written: a name that is wrong is told at once.
        var cursors: [any ArchiveCursor] = []
        for file in files.isEmpty ? ["-"] : files { cursors.append(try await reader(of: file).open()) }
        // A slow reader of the output blocks this alone, and not a thread that makes rows.
        let output = BlockingCall(label: "flatten.output")
        var counts = RunCounts()
        var number = fileNumber
        for cursor in cursors {
            var isWanted = true
            counts += try await stage.run(cursor, from: number) {
                lines.bytes($0.tables, ends: $0.ends)
            } take: { bytes in
                isWanted = (try? await output.perform { Terminal.writeResult(bytes) }) ?? false
                return isWanted
            }
            number += await cursor.listing.count
            await cursor.close()
            if !isWanted { break }
        }
        return counts
    }

    /// What engines deal out: a task for each line.
    private func printFiles() async throws {
        var number = fileNumber
        for file in files {
            let (found, next) = try await fileReader(file).files(from: number)
            for file in found { Terminal.writeResult(file.line) }
            number = next
        }
    }

    private func reader(of file: String) -> any ArchiveReader {
        guard file == "-" else { return fileReader(file) }
        return ArchiveStreamReader(
            descriptor: STDIN_FILENO, shown: source ?? Self.standardInput, warn: warn(logging.logger()))
    }

    private func fileReader(_ file: String) -> ArchiveFileReader {
        let folder = FileManager.default.currentDirectoryPath
        let path = file.hasPrefix("/") ? file : folder + "/" + file
        return ArchiveFileReader(
            path: PathOption(written: source ?? file, resolved: path), warn: warn(logging.logger()))
    }

    private func warn(_ log: Logger) -> @Sendable (String) -> Void { { log.warning("\($0)") } }

    /// - Throws: `PipelineError` of kind `.usage` for a table that isn't among these.
    private func number(of name: String?, in tables: [TableDefinition]) throws -> Int? {
        guard let name else { return nil }
        if let number = tables.firstIndex(where: { $0.name == name }) { return number }
        throw PipelineError(
            .usage, "there is no table '\(name)' in this layout",
            hint: "Its tables are \(tables.map(\.name).joined(separator: ", ")).")
    }
}

extension NumberedFile {
    /// As JSON.
    fileprivate var line: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("file_number", number)
            writer.member("path", path)
            writer.member("bytes", Int(bytes))
        }
        return writer.text
    }
}
