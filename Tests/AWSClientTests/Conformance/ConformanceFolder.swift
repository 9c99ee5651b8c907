import Foundation
import Testing

/// The published vectors: `$SLUICE_CONFORMANCE`, else `../shared/conformance` beside the package.
///
/// Without either the suite is skipped, visibly. A folder that is named, or is there, must be whole: whatever is missing
/// in it, and whatever stands in it that this suite doesn't understand, fails.
enum ConformanceFolder {
    /// Nil where no folder is named and none stands beside the package.
    static let url: URL? = {
        if let given = ProcessInfo.processInfo.environment["SLUICE_CONFORMANCE"], !given.isEmpty {
            return URL(fileURLWithPath: given)
        }
        let package = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let beside = package.deletingLastPathComponent().appending(path: "shared/conformance")
        guard FileManager.default.fileExists(atPath: beside.path) else {
            print("Conformance: skipped, no vectors at \(beside.path); name their folder in SLUICE_CONFORMANCE")
            return nil
        }
        return beside
    }()

    /// Why vectors can't be used.
    struct Unusable: Error, CustomStringConvertible {
        let description: String

        init(_ words: String) { description = "conformance vectors: \(words)" }
    }

    static func data(_ name: String) throws -> Data {
        guard let url else { throw Unusable("no folder is given; name it in SLUICE_CONFORMANCE") }
        do {
            return try Data(contentsOf: url.appending(path: name))
        } catch {
            throw Unusable("\(name) is missing in \(url.path), or can't be read")
        }
    }

    static func text(_ name: String) throws -> String { String(decoding: try data(name), as: UTF8.self) }

    static func json(_ name: String) throws -> [String: Any] {
        guard let object = try JSONSerialization.jsonObject(with: data(name)) as? [String: Any] else {
            throw Unusable("\(name) isn't a JSON object")
        }
        return object
    }

    static func list(_ name: String) throws -> [Any] {
        guard let list = try JSONSerialization.jsonObject(with: data(name)) as? [Any] else {
            throw Unusable("\(name) isn't a JSON array")
        }
        return list
    }

    /// The names in a folder, sorted.
    static func names(in name: String) throws -> [String] {
        guard let url else { throw Unusable("no folder is given; name it in SLUICE_CONFORMANCE") }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: url.appending(path: name).path).sorted()
        } catch {
            throw Unusable("the folder \(url.appending(path: name).path) is missing, or can't be read")
        }
    }

    /// The cases of a folder, one subfolder each: every one must hold all of `files`. Licences stand beside them.
    static func cases(in name: String, with files: [String]) throws -> [String] {
        let cases = try names(in: name).filter { !$0.hasPrefix("LICENSE") }
        for folder in cases {
            let present = try names(in: "\(name)/\(folder)")
            let missing = files.filter { !present.contains($0) }
            if !missing.isEmpty { throw Unusable("\(name)/\(folder) lacks \(missing.joined(separator: ", "))") }
        }
        return cases
    }
}

extension Conformance {
    /// Prints how many cases of a kind were run; none at all is a failure.
    static func report(_ count: Int, _ kind: String) {
        print("Conformance: \(count) cases of \(kind)")
        #expect(count > 0, "there are no cases of \(kind)")
    }

    /// A case with a member that has no meaning here might ask for something that nobody checked: it fails.
    static func expectKnown(_ object: [String: Any], _ known: Set<String>, _ place: String) {
        for name in object.keys.sorted() where !known.contains(name) {
            Issue.record("\(place): '\(name)' is unknown to this suite; teach it what that asks for")
        }
    }

    static func number(_ value: Any?, _ place: String) throws -> Double {
        try #require(value as? NSNumber, "\(place): a number is missing").doubleValue
    }

    /// Equal but for rounding.
    static func expectClose(_ ours: Double, _ theirs: Double, _ place: @autoclosure () -> String) {
        #expect(abs(ours - theirs) <= 1e-9 * max(1, abs(theirs)), "\(place()): \(ours) instead of \(theirs)")
    }
}
