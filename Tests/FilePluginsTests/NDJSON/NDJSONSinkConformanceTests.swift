import FilePlugins
import PipelineCore
import PipelineTesting
import Testing

@Suite("The NDJSON sink is a sink", .timeLimit(.minutes(5)))
struct NDJSONSinkConformanceTests {
    @Test(arguments: [WriteMode.append, .replace].flatMap { SinkConformance.checks(for: $0, keyed: false) })
    func conforms(_ check: SinkConformance.Check) async throws {
        try await check.run(OutputReader().store)
    }

    @Test(arguments: [WriteMode.append, .replace].flatMap { SinkConformance.readingChecks(for: $0, keyed: false) })
    func canBeRead(_ check: SinkConformance.Check) async throws {
        try await check.run(OutputReader(maxFileSize: 1).store)
    }

    @Test(
        "In zstd, and without compression, it is one as well",
        arguments: [(WriteMode.append, FileCompression.zstd), (.replace, .none)])
    func conforms(mode: WriteMode, compression: FileCompression) async throws {
        for check in SinkConformance.checks(for: mode, keyed: false) {
            try await check.run(OutputReader(compression, maxFileSize: mode == .append ? 1 : 256 << 20).store)
        }
        for check in SinkConformance.readingChecks(for: mode, keyed: false) {
            try await check.run(OutputReader(compression, maxFileSize: mode == .append ? 256 << 20 : 1).store)
        }
    }

    @Test("With a file for each batch it is one as well", arguments: [WriteMode.append, .replace])
    func conformsWithSmallFiles(mode: WriteMode) async throws {
        for check in SinkConformance.checks(for: mode, keyed: false) {
            try await check.run(OutputReader(level: 1, maxFileSize: 1).store)
        }
    }
}
