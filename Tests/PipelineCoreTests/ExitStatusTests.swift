import Foundation
import PipelineCore
import Testing

@Suite("Exit codes")
struct ExitStatusTests {
    @Test("Each kind of error has its words, and each number one line")
    func table() {
        #expect(ExitStatus.all.map(\.number) == [0] + PipelineError.Kind.allCases.map(\.rawValue))
        #expect(Set(ExitStatus.all.map(\.name)).count == ExitStatus.all.count)
        #expect(
            ExitStatus.all.allSatisfy { !$0.words.isEmpty && !$0.meaning.contains("|") && !$0.advice.contains("|") })
        #expect(ExitStatus.all.filter { $0.again == .helps }.map(\.number) == [75])
        #expect(ExitStatus.all.filter { $0.again == .later }.map(\.number) == [69])
    }

    @Test("The README lists them in the same words")
    func readme() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
        let section = try #require(readme.split(separator: "\n## Exit codes\n").last)
        let rows = section.split(separator: "\n").drop { $0 != "|---|---|---|" }.dropFirst().prefix {
            $0.hasPrefix("|")
        }
        let expected = ExitStatus.all.map { code in
            "| \(code.number) | \(code.meaning) |" + (code.advice.isEmpty ? " |" : " \(code.advice) |")
        }
        #expect(rows.map(String.init) == expected)
    }
}
