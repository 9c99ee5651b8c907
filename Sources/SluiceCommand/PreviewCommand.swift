internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import Logging
internal import PipelineConfig
internal import PipelineCore
internal import PipelineEngine
internal import UnixSignals

/// `sluice preview`: the rows of the first users, written nowhere.
struct PreviewCommand: PipelineCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview",
        abstract: "Show the rows of a pipeline's first users.",
        discussion: CommandHelp(
            "sluice preview nightly.yaml",
            "sluice preview nightly.yaml --users 100 --output json",
            words: """
                Reads the first IDs, asks for them, and shows what each sink would get, after its transforms. Opens no \
                sink, takes no lock, and leaves nothing behind. Columns in which nothing stands are left out of tables, and \
                long values are cut; --output json has everything.
                """, exits: CommandHelp.exitsOfAFile + [.unavailable, .ioError, .temporary, .permission]
        ).text)

    @Argument(
        help: ArgumentHelp("The pipeline's file.", valueName: "file"), completion: PipelineFile.completion)
    var file: String

    @Option(help: ArgumentHelp("How many users, or lines of an archive.", valueName: "n"))
    var users = 10

    @Option(name: .shortAndLong, help: "How the rows look: text, or json on one line.")
    var output = OutputFormat.text

    @Flag(help: "Show a block of lines for each row, a name and a value each, in place of tables.")
    var records = false

    @OptionGroup var settings: SettingsOptions

    @OptionGroup(title: "Logging") var logging: LogOptions

    private var form: RunPreview.Form {
        let width = Terminal.width(of: STDOUT_FILENO)
        if records { return .records(width: width) }
        return isatty(STDOUT_FILENO) == 1 ? .fitting(width: width) : .tables
    }

    func validate() throws {
        guard (1...10_000).contains(users) else { throw ValidationError("--users is a number from 1 to 10000.") }
    }

    func run(_ host: PluginHost) async throws {
        var log = logging.logger()
        log.logLevel = max(log.logLevel, .warning)
        // A spool stands here for as long as this goes on, and no longer.
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "sluice-preview-\(UUID().uuidString)"
        ).path
        let limits = try ProcessLimits.looked()
        var plan: RunPlan
        do {
            let pipeline = try PipelineFile(
                path: file, host: host, log: log, mayAskInstance: true, stateDirectory: folder)
            for warning in pipeline.configuration.warnings { Terminal.standardError.writeLine("\(warning)") }
            plan = pipeline.plan(limit: users)
            _ = try limits.fit(&plan)
        } catch let errors as ConfigurationErrors {
            Terminal.standardError.writeLine("\(errors)")
            throw ExitCode(errors.kind.rawValue)
        } catch let error as PipelineError {
            Terminal.standardError.writeLine("sluice: error: \(error)")
            throw ExitCode(error.exitCode)
        }
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let watch = Task {
            for await _ in signals {
                try? FileManager.default.removeItem(atPath: folder)
                _exit(PipelineError.Kind.temporary.rawValue)
            }
        }
        let result: Result<RunPreview, any Error>
        do { result = .success(try await RunPreview.make(plan, records: users)) } catch { result = .failure(error) }
        watch.cancel()
        await plan.source.lookup?.shutdown()
        do { try FileManager.default.removeItem(atPath: folder) } catch
            where FileManager.default.fileExists(atPath: folder)
        {
            Terminal.standardError.writeLine(
                "sluice: warning: \(folder), which holds user IDs, can't be removed: \(error)")
        } catch {}
        switch result {
        case .success(let preview):
            Terminal.writeResult(output == .json ? preview.json(pipeline: plan.pipeline) : preview.text(as: form))
        case .failure(let error):
            Terminal.standardError.writeLine("sluice: error: \(error)")
            throw ExitCode((error as? PipelineError)?.kind.rawValue ?? PipelineError.Kind.software.rawValue)
        }
    }
}
