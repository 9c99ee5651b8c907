import Foundation

/// A folder that goes with the value that made it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "file-plugins-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    @discardableResult
    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        try Data(Array(bytes)).write(to: URL(fileURLWithPath: file(name)))
        return file(name)
    }

    func read(_ name: String) throws -> [UInt8] {
        try Array(Data(contentsOf: URL(fileURLWithPath: file(name))))
    }
}

/// Runs a Python script: the oracle for CSV, gzip and JSON.
func python(_ script: String, _ arguments: [String] = []) throws -> [UInt8] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw OracleFailure(status: process.terminationStatus) }
    return Array(bytes)
}

struct OracleFailure: Error {
    var status: Int32
}

/// gzip as Python makes it, in members of the given pieces.
func gzip(_ members: [[UInt8]], in folder: TemporaryFolder) throws -> [UInt8] {
    let name = "members-\(UUID().uuidString)"
    let lengths = members.map { String($0.count) }
    try folder.write(name, members.flatMap { $0 })
    return try python(
        """
        import gzip, sys
        with open(sys.argv[1], 'rb') as file:
            for length in sys.argv[2:]:
                sys.stdout.buffer.write(gzip.compress(file.read(int(length)), mtime=0))
        """, [folder.file(name)] + lengths)
}
