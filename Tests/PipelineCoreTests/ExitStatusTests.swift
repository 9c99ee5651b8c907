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
        #expect(ExitStatus.all.filter { $0.again == .later }.map(\.number) == [69, 74])
    }

    @Test("The README lists them in the same words")
    func readme() throws {
        let readme = try content("README.md")
        let section = try #require(readme.split(separator: "\n## Exit codes\n").last)
        let rows = section.split(separator: "\n").drop { $0 != "|---|---|---|" }.dropFirst().prefix {
            $0.hasPrefix("|")
        }
        let expected = ExitStatus.all.map { code in
            "| \(code.number) | \(code.meaning) |" + (code.advice.isEmpty ? " |" : " \(code.advice) |")
        }
        #expect(rows.map(String.init) == expected)
    }

    @Test(
        "What starts runs by the clock tries again after those that may end better, and after no other",
        arguments: [
            ("Packaging/systemd/sluice@.service", "RestartPreventExitStatus=", 1),
            ("Docker/kubernetes/nightly.yaml", "values: [", 1),
            ("Docker/kubernetes/shards.yaml", "values: [", 1),
            ("README.md", "RestartPreventExitStatus=", 1),
            ("README.md", "values: [", 1),
        ])
    func supervisors(path: String, prefix: String, count: Int) throws {
        let wanted = ExitStatus.all.filter { $0.again == .no && $0 != .complete }.map(\.number)
        let lists = try content(path).components(separatedBy: prefix).dropFirst().map { text in
            text.prefix { $0.isNumber || $0 == " " || $0 == "," }.split { !$0.isNumber }.compactMap { Int32($0) }
        }
        #expect(lists == Array(repeating: wanted, count: count))
    }

    @Test("So does the example for Airflow, which names the others")
    func airflow() throws {
        let names = ExitStatus.all.filter { $0.again != .no }.map { String($0.number) }
        #expect(try content("Examples/airflow/exports.py").contains("AGAIN = {\(names.joined(separator: ", "))}"))
    }

    private func content(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }
}
