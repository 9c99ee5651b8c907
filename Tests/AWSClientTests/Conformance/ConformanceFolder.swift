import Foundation

/// The published vectors: `$SLUICE_CONFORMANCE`, else `../shared/conformance` beside the package.
enum ConformanceFolder {
    static let url: URL? = {
        let given = ProcessInfo.processInfo.environment["SLUICE_CONFORMANCE"].map { URL(fileURLWithPath: $0) }
        let package = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let beside = package.deletingLastPathComponent().appending(path: "shared/conformance")
        let candidate = given ?? beside
        guard FileManager.default.fileExists(atPath: candidate.path) else {
            print("Conformance: skipped, no vectors at \(candidate.path); name their folder in SLUICE_CONFORMANCE")
            return nil
        }
        return candidate
    }()

    static func json(_ name: String) throws -> [String: Any] {
        guard let url else { return [:] }
        let data = try Data(contentsOf: url.appending(path: name))
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    static func list(_ name: String) throws -> [Any] {
        guard let url else { return [] }
        let data = try Data(contentsOf: url.appending(path: name))
        return try JSONSerialization.jsonObject(with: data) as? [Any] ?? []
    }

    static func text(_ name: String) throws -> String {
        guard let url else { return "" }
        return try String(decoding: Data(contentsOf: url.appending(path: name)), as: UTF8.self)
    }

    static func exists(_ name: String) -> Bool {
        guard let url else { return false }
        return FileManager.default.fileExists(atPath: url.appending(path: name).path)
    }

    /// The names of a folder's subfolders that hold `file`, sorted.
    static func folders(in name: String, with file: String = "context.json") -> [String] {
        guard let url else { return [] }
        let folder = url.appending(path: name)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { exists("\(name)/\($0)/\(file)") }.sorted()
    }
}
