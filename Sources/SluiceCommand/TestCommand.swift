internal import ArgumentParser
internal import Pinpoint
internal import PipelineConfig
internal import PipelineCore
internal import PipelineEngine

/// `sluice test`: the pipeline's own tests.
struct TestCommand: PipelineCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Make rows of a pipeline's test documents, and compare them with those that are expected.",
        discussion: CommandHelp(
            "sluice test nightly.yaml",
            "sluice test nightly.yaml --output json",
            words: """
                The tests stand in the pipeline under 'tests', or in a file beside it, nightly.tests.yaml for nightly.yaml. \
                Each has documents, as the service spells them, and rows: what becomes of them after transforms and \
                flattening. Nothing is opened, called or written: it proves that a mask masks before the first run.

                Exits with 65 where rows aren't as expected, and with 66 where there is no test.
                """, exits: CommandHelp.exitsOfAFile + [.incomplete]
        ).text)

    @Argument(
        help: ArgumentHelp("The pipeline's file.", valueName: "file"), completion: PipelineFile.completion)
    var file: String

    @Option(name: .shortAndLong, help: "How the result looks: text, or json on one line.")
    var output = OutputFormat.text

    @Flag(name: .shortAndLong, help: "Print no text where the exit code is 0.")
    var quiet = false

    @OptionGroup var settings: SettingsOptions

    @OptionGroup(title: "Logging") var logging: LogOptions

    func run(_ host: PluginHost) async throws {
        try ProcessLimits.looked(runs: false)
        let pipeline = try PipelineFile.read(file, host, logging, settings)
        let plan = pipeline.plan()
        var results: [TestResult] = []
        for (origin, test) in try PipelineTests(of: pipeline.configuration, logging).all {
            results.append(TestResult(origin: origin, test: test, differences: try differences(test, plan)))
        }
        await plan.source.lookup?.shutdown()
        guard !results.isEmpty else {
            let error = PipelineError(
                .noInput, "\(file) has no tests",
                hint: "Write them under 'tests:', each with documents and rows; sluice init writes one.")
            logging.report("sluice: error: \(error)", exitCode: error.exitCode, to: logging.logger())
            throw ExitCode(error.exitCode)
        }
        let isPassed = results.allSatisfy(\.differences.isEmpty)
        if output == .json {
            Terminal.writeResult(TestResult.json(results))
        } else if !quiet || !isPassed {
            Terminal.writeResult(TestResult.text(results))
        }
        if !isPassed { throw ExitCode(PipelineError.Kind.incomplete.rawValue) }
    }

    private func differences(_ test: PipelineTest, _ plan: RunPlan) throws -> [RowDifference] {
        let decoder: any RecordDecoder =
            switch plan.source {
            case .lookup(_, let lookup, _): ArchiveLineDecoder(applicationID: lookup.applicationID)
            case .archive(_, let decoder, _): decoder
            }
        return try plan.differences(
            from: RowTest(documents: test.documents, user: test.user, sink: test.sink, rows: test.rows),
            decoder: decoder)
    }
}

/// The tests that a pipeline's file holds, and those of the file beside it.
private struct PipelineTests {
    let all: [(file: String, test: PipelineTest)]

    init(of configuration: PipelineConfiguration, _ logging: LogOptions) throws {
        let beside = PipelineTest.fileBeside(configuration.file)
        do throws(ConfigurationErrors) {
            let others = try PipelineTest.read(beside, sinks: configuration.sinks.map(\.name))
            all = configuration.tests.map { (configuration.file, $0) } + others.map { (beside, $0) }
        } catch {
            logging.report("\(error)", exitCode: error.kind.rawValue, to: logging.logger())
            throw ExitCode(error.kind.rawValue)
        }
    }
}

/// What became of one test.
private struct TestResult {
    var origin: String
    var test: PipelineTest
    var differences: [RowDifference]

    private var title: String { "\(PrintableText.of(test.name ?? "test")) (\(origin):\(test.place.line))" }

    static func text(_ results: [TestResult]) -> String {
        var lines = results.flatMap { result -> [String] in
            if result.differences.isEmpty { return ["ok    \(result.title)"] }
            let sinks = Set(results.flatMap(\.differences).map(\.sinks)).count
            return ["FAIL  \(result.title)"]
                + result.differences.map { difference in
                    let owner = sinks > 1 ? "sink \(difference.sinks.map { "'\($0)'" }.joined(separator: ", ")): " : ""
                    return "      \(owner)\(difference)"
                }
        }
        let failed = results.count { !$0.differences.isEmpty }
        lines.append(
            failed == 0
                ? "\(CountText.of(results.count, "test")), all as expected"
                : "\(failed) of \(CountText.of(results.count, "test")) not as expected")
        return lines.joined(separator: "\n")
    }

    static func json(_ results: [TestResult]) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("passed")
            writer.value(results.count { $0.differences.isEmpty })
            writer.key("failed")
            writer.value(results.count { !$0.differences.isEmpty })
            writer.key("tests")
            writer.array { writer in for result in results { result.write(to: &writer) } }
        }
        return writer.text
    }

    private func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("name")
            if let name = test.name { writer.value(name) } else { writer.null() }
            writer.key("file")
            writer.value(origin)
            writer.key("line")
            writer.value(test.place.line)
            writer.key("differences")
            writer.array { writer in
                for difference in differences {
                    writer.object { writer in
                        writer.key("sinks")
                        writer.array { writer in for sink in difference.sinks { writer.value(sink) } }
                        writer.key("table")
                        writer.value(difference.table)
                        writer.key("row")
                        if let row = difference.row { writer.value(row) } else { writer.null() }
                        writer.key("column")
                        if let column = difference.column { writer.value(column) } else { writer.null() }
                        writer.key("message")
                        writer.value(difference.message)
                    }
                }
            }
        }
    }
}
