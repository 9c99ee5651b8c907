internal import Flattening
internal import Foundation
internal import PipelineCore
internal import PipelineEngine

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A run in processes of its own, each of which is killed on the way but the last one.
struct KilledRun {
    /// The pipeline's file.
    let pipeline: String
    let logicalDate: Timestamp
    /// Looked at from outside, to find out how far the run has come.
    let sink: PlannedSink
    let users: Int

    struct Failure: Error {
        var message: String
    }

    /// Runs until the end.
    ///
    /// - Parameters:
    ///   - kills: how often it is killed.
    ///   - tell: is told each kill: its number, and the users that are committed by then.
    func perform(kills: Int, tell: (_ kill: Int, _ committed: Int) -> Void) async throws {
        for kill in 1...max(1, kills) where kills > 0 {
            let process = try Child(pipeline: pipeline, logicalDate: logicalDate)
            // Spread over the whole run; the first ones come before anything is committed.
            let place = (kill - 1) * users / (kills + 1)
            while process.isRunning, try await committed() < place { try await Task.sleep(for: .milliseconds(10)) }
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...150)))
            guard process.isRunning else { return try process.requireSuccess() }
            await process.killAndWait()
            tell(kill, try await committed())
        }
        let last = try Child(pipeline: pipeline, logicalDate: logicalDate)
        while last.isRunning { try await Task.sleep(for: .milliseconds(10)) }
        try last.requireSuccess()
    }

    /// Users that are committed in the sink.
    private func committed() async throws -> Int {
        let reader: any SinkReader
        do { reader = try await sink.openForReading() } catch let error as PipelineError where error.kind == .temporary
        {
            return 0
        }
        // Looking at a store at the moment in which it is made or folded up may fail; it is looked at again.
        let runs = try? await reader.runs()
        await reader.close()
        return runs?.runs.last?.progress?.consumed ?? 0
    }

    /// One process of the run.
    private final class Child {
        private let process = Process()
        private let errors = Pipe()

        init(pipeline: String, logicalDate: Timestamp) throws {
            process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            process.arguments = ["run", pipeline, "--logical-date", logicalDate.text, "--quiet"]
            // The server verifies no signatures; what is in the environment need not leave it.
            var environment = ProcessInfo.processInfo.environment.filter {
                !$0.key.hasPrefix("AWS_") && !$0.key.hasPrefix("SLUICE_")
            }
            environment["AWS_ACCESS_KEY_ID"] = "demo"
            environment["AWS_SECRET_ACCESS_KEY"] = "demo"
            process.environment = environment
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            process.standardError = errors
            try process.run()
        }

        var isRunning: Bool { process.isRunning }

        func killAndWait() async {
            Glibc.kill(process.processIdentifier, SIGKILL)
            while process.isRunning { try? await Task.sleep(for: .milliseconds(2)) }
        }

        func requireSuccess() throws {
            guard process.terminationStatus != 0 else { return }
            let text = String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self)
            throw Failure(message: "the run ended with \(process.terminationStatus): \(text)")
        }
    }
}

extension PlannedSink {
    fileprivate func openForReading() async throws -> any SinkReader {
        try await sink.openForReading(SinkReadingContext(pipeline: "demo", tables: layout.tables))
    }
}
