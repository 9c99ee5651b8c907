import FilePlugins
import Foundation
import PipelineCore
import PipelineTesting
import Testing

@Suite(.timeLimit(.minutes(5)))
struct UserReaderConformanceTests {
    enum Input: String, Sendable, CaseIterable {
        case lines, windowsLines, oldMacLines, gzipLines, csv, gzipCSV, csvWithoutHeader, distinctLines, distinctGzipCSV

        var isList: Bool { rawValue.lowercased().hasSuffix("lines") }
    }

    @Test(arguments: Input.allCases, UserReaderConformance.Check.allCases)
    func conforms(_ input: Input, _ check: UserReaderConformance.Check) async throws {
        let folder = try TemporaryFolder()
        let isDistinct = input == .distinctLines || input == .distinctGzipCSV
        let suite = UserReaderConformance(
            makeMissing: { try makeReader(folder.file("missing.txt")) },
            expected: { ids in
                // Where nothing encloses an ID, a mark before it is one of files that were joined.
                let ids = input.isList ? ids.map(withoutMark) : ids
                return isDistinct ? distinct(ids) : ids
            }
        ) { ids in
            let name = UUID().uuidString
            let compress = { (text: String) in
                let bytes = Array(text.utf8)
                return try gzip(
                    [Array(bytes.prefix(bytes.count / 3)), Array(bytes.dropFirst(bytes.count / 3))], in: folder)
            }
            let lines = ids.map { $0 + "\n" }.joined()
            switch input {
            case .lines: return try makeReader(folder.write("\(name).txt", lines.utf8))
            case .windowsLines:
                return try makeReader(folder.write("\(name).txt", ids.joined(separator: "\r\n\r\n").utf8))
            case .oldMacLines: return try makeReader(folder.write("\(name).txt", ids.joined(separator: "\r").utf8))
            case .gzipLines: return try makeReader(folder.write("\(name).txt.gz", compress(lines)))
            case .csv: return try makeReader(folder.write("\(name).csv", csv(ids).utf8), column: ["user_id"])
            case .gzipCSV:
                return try makeReader(folder.write("\(name).csv.gz", compress(csv(ids))), column: ["user_id"])
            case .csvWithoutHeader:
                let rows = csv(ids).drop { $0 != "\r\n" }.dropFirst()
                return try makeReader(folder.write("\(name).csv", rows.utf8), column: ["2"], header: false)
            case .distinctLines: return try makeReader(folder.write("\(name).txt", lines.utf8), distinct: true)
            case .distinctGzipCSV:
                return try makeReader(
                    folder.write("\(name).csv.gz", compress(csv(ids))), column: ["user_id"], distinct: true)
            }
        }
        try await suite.run(check)
    }
}

private func distinct(_ ids: [String]) -> [String] {
    var seen: Set<[UInt8]> = []
    return ids.filter { seen.insert(Array($0.utf8)).inserted }
}

private func withoutMark(_ id: String) -> String {
    id.unicodeScalars.first == "\u{FEFF}" ? String(String.UnicodeScalarView(id.unicodeScalars.dropFirst())) : id
}

private func csv(_ ids: [String]) -> String {
    "name,user_id,remark\r\n"
        + ids.map { "\"two\nlines\",\"\($0.replacingOccurrences(of: "\"", with: "\"\""))\",x\r\n" }.joined()
}
