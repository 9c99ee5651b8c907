import Foundation
import PipelineCore
import Synchronization

/// One Python process that runs snippets one after the other: starting one for each would take most of the tests' time.
final class PythonProcess: Sendable {
    static let shared = PythonProcess()

    private struct Pipes {
        let input: FileHandle
        let output: UnsafeMutablePointer<FILE>
    }

    // Guarded by the lock: one snippet and its result at a time.
    private let pipes: Mutex<Pipes?>

    private init() {
        let script = """
            import json, sys, traceback
            for line in sys.stdin:
                code, arguments = json.loads(line)
                names = {"arguments": arguments}
                try:
                    exec(code, names)
                    print(json.dumps({"result": names.get("result")}), flush=True)
                except BaseException as error:
                    print(json.dumps({"error": traceback.format_exc(limit=2)}), flush=True)
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script]
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        do { try process.run() } catch {
            pipes = Mutex(nil)
            return
        }
        pipes = Mutex(
            fdopen(dup(output.fileHandleForReading.fileDescriptor), "r").map {
                Pipes(input: input.fileHandleForWriting, output: $0)
            })
    }

    struct Failure: Error { var message: String }

    /// Runs a snippet that reads `arguments` and sets `result`.
    func run(_ code: String, _ arguments: [String]) throws -> JSONNode {
        var question = JSONWriter()
        question.array {
            $0.value(code)
            $0.array { for argument in arguments { $0.value(argument) } }
        }
        let line = question.bytes + [UInt8(ascii: "\n")]
        let answer: String = try pipes.withLock { pipes in
            guard let pipes else { throw Failure(message: "python3 can't be started") }
            try pipes.input.write(contentsOf: line)
            var text: UnsafeMutablePointer<CChar>?
            var capacity = 0
            defer { free(text) }
            guard getline(&text, &capacity, pipes.output) > 0, let text else {
                throw Failure(message: "python3 gives no answer")
            }
            return String(cString: text)
        }
        let root = try JSONTape(decoding: Array(answer.utf8)).root
        if let error = root["error"]?.text { throw Failure(message: error) }
        guard let result = root["result"] else { throw Failure(message: "no result") }
        return result
    }
}
