public import PipelineCore

/// What a look at every part of a pipeline has found, before anything is written.
public struct PipelineCheck: Sendable {
    public struct Line: Sendable {
        /// The part: `users`, `credentials`, `sink 'warehouse'`.
        public var part: String
        public var finding: CheckFinding

        public init(_ part: String, _ finding: CheckFinding) {
            self.part = part
            self.finding = finding
        }
    }

    public private(set) var lines: [Line] = []

    public init() {}

    public mutating func add(_ part: String, _ findings: [CheckFinding]) {
        lines += findings.map { Line(part, $0) }
    }

    /// Adds what a look finds, or the failure with which it ended.
    public mutating func add(_ part: String, _ look: () async throws -> [CheckFinding]) async {
        do { add(part, try await look()) } catch let error as PipelineError {
            add(part, [CheckFinding(error)])
        } catch {
            add(part, [CheckFinding(.failure(.software), "\(error)")])
        }
    }

    /// That of the first failure; 0 where there is none.
    public var exitCode: Int32 {
        for line in lines { if case .failure(let kind) = line.finding.verdict { return kind.rawValue } }
        return ExitStatus.complete.number
    }

    /// One line for each finding, and what to do below it: `ok     users        1,000 IDs …`. Ends with a line feed.
    public var text: String {
        let width = lines.map(\.part.count).max() ?? 0
        return lines.map { line in
            let part = line.part + String(repeating: " ", count: width - line.part.count)
            let hint = line.finding.hint.map { "\n" + String(repeating: " ", count: width + 9) + "→ \($0)" } ?? ""
            return "\(Self.word(line.finding.verdict))  \(part)  \(line.finding.message)\(hint)\n"
        }.joined()
    }

    private static func word(_ verdict: CheckFinding.Verdict) -> String {
        switch verdict {
        case .ok: "ok   "
        case .doubt: "doubt"
        case .failure: "FAIL "
        }
    }

    /// `{"exit_code":0,"findings":[{"part":…,"verdict":"ok","message":…,"hint":null}]}` on one line.
    public var json: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("exit_code")
            writer.value(Int(exitCode))
            writer.key("findings")
            writer.array { writer in
                for line in lines {
                    writer.object { writer in
                        writer.key("part")
                        writer.value(line.part)
                        writer.key("verdict")
                        writer.value(Self.word(line.finding.verdict).lowercased().filter { $0 != " " })
                        writer.key("message")
                        writer.value(line.finding.message)
                        writer.key("hint")
                        if let hint = line.finding.hint { writer.value(hint) } else { writer.null() }
                    }
                }
            }
        }
        return writer.text
    }
}
