import Foundation

/// A file that goes with the value that made it.
final class TemporaryFile {
    let path = NSTemporaryDirectory() + "line-input-\(UUID().uuidString)"

    init(_ bytes: some Sequence<UInt8>) throws { try write(bytes) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: some Sequence<UInt8>) throws { try Data(Array(bytes)).write(to: URL(fileURLWithPath: path)) }

    func append(_ text: String) throws {
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }
}

/// All texts of these pieces, up to a number of them.
func texts(of pieces: [String], upTo count: Int) -> [String] {
    var all = [""]
    var last = [""]
    for _ in 0..<count {
        last = last.flatMap { text in pieces.map { text + $0 } }
        all += last
    }
    return all
}
