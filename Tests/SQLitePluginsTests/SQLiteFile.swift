import Foundation
import PipelineCore
import PipelineTesting
import SQLitePlugins
import Synchronization

/// A database file in a folder of its own, read by Python's sqlite3 module and never by the code under test.
final class SQLiteFile: Sendable {
    let folder: String
    let path: String

    init(_ name: String = "out.sqlite") throws {
        let folder = FileManager.default.temporaryDirectory.path + "/sluice-sqlite-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        self.folder = folder
        path = "\(folder)/\(name)"
    }

    init(path: String) {
        folder = ""
        self.path = path
    }

    deinit {
        if !folder.isEmpty { try? FileManager.default.removeItem(atPath: folder) }
    }

    func sink(_ mode: WriteMode = .merge, busyTimeout: Duration = .seconds(5)) -> SQLiteSink {
        SQLiteSink(path: path, mode: mode, busyTimeout: busyTimeout)
    }

    var store: SinkConformance.Store {
        SinkConformance.Store(sinks: { self.sink($0) }, rows: { try self.rows(of: $0) })
    }

    /// The names of the files beside the database.
    var files: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? [] }

    // MARK: Reading

    /// A table's rows, each value by its column's type.
    func rows(of table: TableDefinition) throws -> [[RowView.Value]] {
        let names = table.columns.map { "\"\($0.name)\"" }.joined(separator: ", ")
        return try query("SELECT \(names) FROM \"\(table.name)\"").map { row in
            try zip(row, table.columns).map { node, column in try Self.value(node, column.type) }
        }
    }

    private static func value(_ node: JSONNode, _ type: ColumnType) throws -> RowView.Value {
        if node.isNull { return .null }
        switch type {
        case .integer: return .integer(try required(node.integer))
        case .real: return .number(try required(node.double))
        case .text: return .text(try required(node.text))
        case .json: return .json(try required(node.text))
        case .time: return .time(try required(node.text))
        }
    }

    private static func required<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw ReadingError(message: "a value is of another type than its column") }
        return value
    }

    /// The rows of any query, each a list of JSON values.
    func query(_ sql: String) throws -> [[JSONNode]] {
        let root = try JSONTape(decoding: PythonReader.shared.answer(path, sql)).root
        if let complaint = root.text { throw ReadingError(message: complaint) }
        return root.elements.map(\.elements)
    }

    /// One text from a query that gives one.
    func text(_ sql: String) throws -> String? { try query(sql).first?.first?.text }

    /// Runs statements with Python, outside the code under test.
    func execute(_ sql: String) throws {
        let script = """
            import sqlite3, sys
            connection = sqlite3.connect(sys.argv[1], timeout=10)
            connection.executescript(sys.argv[2])
            """
        _ = try Self.run("python3", "-c", script, path, sql)
    }

    /// Runs a command and gives what it prints.
    static func run(_ command: String...) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ReadingError(message: "\(command[0]): \(String(decoding: complaint, as: UTF8.self))")
        }
        return String(decoding: data, as: UTF8.self)
    }

    struct ReadingError: Error { var message: String }
}

/// One Python process that answers queries, a line each; every query opens the file anew.
final class PythonReader: Sendable {
    static let shared = PythonReader()

    private struct Pipes {
        let input: FileHandle
        let output: UnsafeMutablePointer<FILE>
    }

    // Guarded by the lock: one question and its answer at a time.
    private let pipes: Mutex<Pipes?>

    private init() {
        let script = """
            import json, sqlite3, sys
            for line in sys.stdin:
                path, sql = json.loads(line)
                connection = sqlite3.connect("file:" + path + "?mode=rw", uri=True, timeout=10)
                try: print(json.dumps(connection.execute(sql).fetchall()), flush=True)
                except sqlite3.Error as error: print(json.dumps("! " + str(error)), flush=True)
                connection.close()
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

    func answer(_ path: String, _ sql: String) throws -> String {
        var question = JSONWriter()
        question.array {
            $0.value(path)
            $0.value(sql)
        }
        let line = question.bytes + [UInt8(ascii: "\n")]
        return try pipes.withLock { pipes in
            guard let pipes else { throw SQLiteFile.ReadingError(message: "python3 can't be started") }
            try pipes.input.write(contentsOf: line)
            var text: UnsafeMutablePointer<CChar>?
            var capacity = 0
            defer { free(text) }
            guard getline(&text, &capacity, pipes.output) > 0, let text else {
                throw SQLiteFile.ReadingError(message: "python3 gives no answer")
            }
            return String(cString: text)
        }
    }
}
