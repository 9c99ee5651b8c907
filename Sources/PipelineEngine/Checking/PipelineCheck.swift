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
    ///
    /// - Parameter width: of a terminal: what is longer goes on below itself. Nil: a line each, however long, as programs
    ///   read them.
    public func text(width: Int? = nil) -> String {
        let partWidth = lines.map(\.part.count).max() ?? 0
        let indent = String(repeating: " ", count: partWidth + 9)
        func inLines(_ text: String, first: String, rest: String) -> String {
            guard let width, width - indent.count - 2 >= Self.leastRoom else { return first + text + "\n" }
            let room = width - rest.count
            return LabelledText.wrapped(text, room, rest: room).enumerated().map {
                ($0.offset == 0 ? first : rest) + $0.element + "\n"
            }.joined()
        }
        return lines.map { line in
            let part = line.part + String(repeating: " ", count: partWidth - line.part.count)
            let message = inLines(
                line.finding.message, first: "\(Self.word(line.finding.verdict))  \(part)  ", rest: indent)
            let hint = line.finding.hint.map { inLines($0, first: indent + "→ ", rest: indent + "  ") }
            return message + (hint ?? "")
        }.joined()
    }

    /// A terminal that has less beside the parts' names breaks lines itself.
    private static let leastRoom = 24

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
