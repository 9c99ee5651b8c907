import Foundation
import Synchronization

/// One psql that runs statements as they come: starting one for each would take most of the suite's time.
final class PsqlReader: Sendable {
    private struct Running {
        let process: Process
        let input: FileHandle
        let output: FileHandle
    }

    private let url: String
    private let running = Mutex<Running?>(nil)

    init(url: String) { self.url = url }

    /// What psql prints, one line for each row, columns separated by `|`.
    func run(_ sql: String) throws -> String {
        try running.withLock { running in
            for attempt in 0... {
                let psql = try running ?? start()
                running = psql
                if let answer = Self.answer(psql, sql) {
                    if let range = answer.range(of: "(?m)^(psql:.*)?(ERROR|FATAL): .*$", options: .regularExpression) {
                        throw Shell.Failure(message: "psql: \(answer[range])")
                    }
                    return answer
                }
                // It ends where the server was stopped under it.
                running = nil
                if attempt == 1 { break }
            }
            throw Shell.Failure(message: "psql ended without an answer")
        }
    }

    private func start() throws -> Running {
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "exec psql -XAtq -d \"$0\" 2>&1", url]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        return Running(
            process: process, input: input.fileHandleForWriting, output: output.fileHandleForReading)
    }

    private static func answer(_ psql: Running, _ sql: String) -> String? {
        let mark = "end-\(UUID().uuidString)"
        do { try psql.input.write(contentsOf: Data("\(sql)\n;\n\\echo \(mark)\n".utf8)) } catch { return nil }
        var data = Data()
        let end = Data("\(mark)\n".utf8)
        while !data.suffix(end.count).elementsEqual(end) {
            let more = psql.output.availableData
            if more.isEmpty { return nil }
            data.append(more)
        }
        return String(decoding: data.dropLast(end.count), as: UTF8.self)
    }
}
