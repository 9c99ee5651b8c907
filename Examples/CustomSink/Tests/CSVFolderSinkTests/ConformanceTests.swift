import PipelineCore
import PipelineTesting
import Testing

@Suite("A sink of run folders with a format of its own is a sink", .timeLimit(.minutes(5)))
struct ConformanceTests {
    @Test(arguments: [WriteMode.append, .replace].flatMap { SinkConformance.checks(for: $0, keyed: false) })
    func conforms(_ check: SinkConformance.Check) async throws {
        try await check.run(CSVFolder().store)
    }

    @Test(arguments: [WriteMode.append, .replace].flatMap { SinkConformance.readingChecks(for: $0, keyed: false) })
    func canBeRead(_ check: SinkConformance.Check) async throws {
        try await check.run(CSVFolder(maxFileSize: 1).store)
    }

    @Test("With a file for each batch it is one as well", arguments: [WriteMode.append, .replace])
    func conformsWithSmallFiles(mode: WriteMode) async throws {
        for check in SinkConformance.checks(for: mode, keyed: false) {
            try await check.run(CSVFolder(maxFileSize: 1).store)
        }
    }
}
