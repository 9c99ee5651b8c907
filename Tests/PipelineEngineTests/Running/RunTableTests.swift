import PipelineCore
import PipelineEngine
import Testing

/// What a call of `run` does, for every combination of what is stored, the date, the input, and the policy, in every mode.
@Suite(.timeLimit(.minutes(5))) struct RunTableTests {
    enum Stored: String, CaseIterable { case none, unfinished, complete }
    enum Date: String, CaseIterable { case same, other, none }
    enum Input: String, CaseIterable { case same, changed, longer }

    struct Case: Sendable, CustomTestStringConvertible {
        var stored: Stored
        var date: Date
        var input: Input
        var policy: ChangedInputPolicy
        var mode: WriteMode
        var testDescription: String {
            "\(mode.rawValue): \(stored) run, \(date) date, \(input) input, on_changed_input \(policy.rawValue)"
        }

        static let all = WriteMode.allCases.flatMap { mode in
            Stored.allCases.flatMap { stored in
                Date.allCases.flatMap { date in
                    Input.allCases.flatMap { input in
                        ChangedInputPolicy.allCases.map {
                            Case(stored: stored, date: date, input: input, policy: $0, mode: mode)
                        }
                    }
                }
            }
        }
    }

    // The clock stands at 2026-11-23.
    private static let now = "p-20261123T000000Z"
    private static let first = "p-20261120T000000Z"
    private static let second = "p-20261121T000000Z"
    private static let ids = TestPipeline.ids(0..<40)
    private static let changed = ids.map { $0 == "user-5" ? "user-905" : $0 }
    private static let longer = TestPipeline.ids(0..<55)

    /// What the call must come to, written down from the rules.
    private struct Expected {
        /// Run and exit code of each report.
        var reports: [(runID: String?, code: Int32)]
        /// Runs that go through the input, and from which record on.
        var readings: [(runID: String, from: Int)]
        var states: [String: RunState]
    }

    private static func expected(_ test: Case) -> Expected {
        let asked = [Date.same: first, .other: second, .none: now][test.date] ?? now
        let isLost = test.input == .changed
        switch test.stored {
        case .none:
            return Expected(reports: [(asked, 0)], readings: [(asked, 0)], states: [asked: .complete])
        case .complete where test.date == .same:
            // Done is done, whatever the input looks like by now.
            return Expected(reports: [(first, 0)], readings: [], states: [first: .complete])
        case .complete:
            return Expected(
                reports: [(asked, 0)], readings: [(asked, 0)], states: [first: .complete, asked: .complete])
        case .unfinished where isLost && test.policy == .refuse:
            return Expected(reports: [(nil, 66)], readings: [], states: [first: .running])
        case .unfinished where isLost:
            // The old run makes room, and the date that is asked for begins.
            return Expected(
                reports: [(asked, 0)], readings: [(asked, 0)],
                states: [first: .abandoned].merging([asked: .complete]) { _, new in new })
        case .unfinished where test.date == .other:
            return Expected(
                reports: [(first, 0), (second, 0)], readings: [(first, 20), (second, 0)],
                states: [first: .complete, second: .complete])
        case .unfinished:
            return Expected(reports: [(first, 0)], readings: [(first, 20)], states: [first: .complete])
        }
    }

    /// The users that readers see, with the run that each row is of.
    private static func content(_ test: Case, _ expected: Expected) -> [String] {
        let input = [Input.same: ids, .changed: changed, .longer: longer][test.input] ?? ids
        var rows: [(user: String, run: String)] = []
        // What the first run has written: half of it, or all.
        var written: [String] = []
        if test.stored == .unfinished { written = Array(ids.prefix(20)) }
        if test.stored == .complete { written = ids }
        let isVisible = test.mode != .replace || test.stored == .complete
        if isVisible { rows = written.map { ($0, first) } }
        for (runID, start) in expected.readings {
            let users = input[start...]
            switch test.mode {
            case .merge: rows.removeAll { users.contains($0.user) }
            case .append: if start == 0 { rows.removeAll { $0.run == runID } }
            case .replace: rows = start == 0 ? [] : input[..<start].map { ($0, runID) }
            }
            rows += users.map { ($0, runID) }
        }
        return rows.map { "\($0.user) \($0.run)" }.sorted()
    }

    @Test(arguments: Case.all) func does(_ test: Case) async throws {
        var pipeline = TestPipeline([test.mode], ids: Self.ids, answer: TestPipeline.everybody)
        pipeline.onChangedInput = test.policy
        let store = pipeline.stores[0]
        let same = RunRequest(logicalDate: Timestamp("2026-11-20"))
        switch test.stored {
        case .none: break
        case .unfinished:
            store.failing { step in if step == .prepare(3) { throw PipelineError(.ioError, "full") } }
            #expect(await pipeline.run(same).exitCode == 74)
            store.failing(nil)
            #expect(store.current.checkpoint?.progress.nextOrdinal == 20)
        case .complete: #expect(await pipeline.run(same).exitCode == 0)
        }
        let before = store.current.rows
        let input = [Input.same: Self.ids, .changed: Self.changed, .longer: Self.longer][test.input] ?? []
        let call = pipeline.next(input, answer: TestPipeline.everybody)
        let request =
            switch test.date {
            case .same: same
            case .other: RunRequest(logicalDate: Timestamp("2026-11-21"))
            case .none: RunRequest()
            }
        let reports = await call.reports(request)

        let expected = Self.expected(test)
        #expect(reports.map(\.exitCode) == expected.reports.map(\.code))
        // A refusal comes before a run could account for itself.
        #expect(reports.compactMap(\.summary?.runID) == expected.reports.compactMap(\.runID))
        #expect(store.current.runs.mapValues(\.state) == expected.states)
        #expect(call.lookup.asked.count == expected.readings.reduce(0) { $0 + input.count - $1.from })
        let users = store.rows("users").values.map { "\(Self.text("\($0[1])")) \(Self.text("\($0[5])"))" }.sorted()
        #expect(users == Self.content(test, expected))
        #expect(store.rows("endpoints").count == users.count)
        if expected.readings.isEmpty { #expect(store.current.rows == before) }
    }

    private static func text(_ value: String) -> Substring {
        value.drop { $0 != "\"" }.dropFirst().prefix { $0 != "\"" }
    }
}
