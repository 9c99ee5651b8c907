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

/// Runs a Python script: the oracle for CSV, gzip, zstd and JSON.
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

/// zstd as its own tool makes it, in frames of the given pieces, each with a checksum.
func zstd(_ frames: [[UInt8]], in folder: TemporaryFolder, options: [String] = []) throws -> [UInt8] {
    let name = "frames-\(UUID().uuidString)"
    try folder.write(name, frames.flatMap { $0 })
    return try python(
        """
        import subprocess, sys
        lengths, options = sys.argv[2].split(), sys.argv[3:]
        with open(sys.argv[1], 'rb') as file:
            for length in lengths:
                data = file.read(int(length))
                sys.stdout.buffer.write(
                    subprocess.run(['zstd', '-c', *options], input=data, capture_output=True, check=True).stdout)
        """, [folder.file(name), frames.map { String($0.count) }.joined(separator: " ")] + options)
}

/// A frame that readers pass over (RFC 8878, 3.1.2).
func skippableFrame(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
    [0x50 | number, 0x2A, 0x4D, 0x18] + withUnsafeBytes(of: UInt32(content.count).littleEndian) { Array($0) } + content
}
