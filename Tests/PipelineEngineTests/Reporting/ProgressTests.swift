import Flattening
import Logging
import PipelineCore
import PipelineEngine
import Testing

/// What a display tells of a run: the share of the input that is done, the rate, the time that is left.
@Suite(.timeLimit(.minutes(2))) struct ProgressTests {
    private func reading(
        _ records: Int, _ fraction: Double?, _ change: (inout ProgressBoard.Reading) -> Void = { _ in }
    )
        -> ProgressBoard.Reading
    {
        var reading = ProgressBoard.Reading()
        reading.runID = "run"
        reading.records = records
        reading.processed = records
        reading.fraction = fraction
        change(&reading)
        return reading
    }

    struct Line: Sendable {
        var records: Int
        var fraction: Double?
        var rate: Double?
        var text: String
        var share: Double?
        var secondsLeft: Double?
    }

    static let lines = [
        Line(records: 0, text: "0 done"),
        Line(records: 12, rate: 3.6, text: "12 done · 4/s"),
        Line(records: 250, fraction: 0.25, text: "250 done · 25 %", share: 0.25),
        Line(
            records: 250, fraction: 0.25, rate: 50, text: "250 done · 50/s · 15 s left (25 %)", share: 0.25,
            secondsLeft: 15),
        Line(
            records: 100, fraction: 0.001, rate: 10, text: "100 done · 10/s · 2 h 46 min left (0 %)", share: 0.001,
            secondsLeft: 9990),
        Line(records: 250, fraction: 0.999, rate: 0, text: "250 done · 0/s · 99 %", share: 0.999),
        Line(records: 250, fraction: 1, rate: 50, text: "250 done · 50/s · 100 %", share: 1, secondsLeft: 0),
        Line(records: 0, fraction: 0, rate: nil, text: "0 done"),
    ]

    @Test(arguments: lines) func tells(_ line: Line) {
        let report = ProgressReport(reading(line.records, line.fraction), rate: line.rate)
        #expect(report.text == line.text)
        #expect(report.share == line.share)
        #expect(report.secondsLeft.map { $0.rounded() } == line.secondsLeft)
    }

    @Test func aRateIsToldOnceThereIsOne() {
        var pace = ProgressPace(window: .seconds(10))
        let start = ContinuousClock.now
        func take(_ second: Int, _ count: Int, run: String = "run") -> Double? {
            pace.take(reading(count, nil) { $0.runID = run }, at: start + .seconds(second))
            return pace.rate
        }
        #expect(take(0, 0) == nil)
        #expect(take(1, 0) == nil)
        #expect(take(2, 40) == 20)
        #expect(take(10, 100) == 10)
        // The window moves on; an outage is told.
        #expect(take(20, 100) == 0)
        // Another run in the same call counts from 0.
        #expect(take(21, 0, run: "next") == nil)
        #expect(take(22, 5, run: "next") == 5)
    }

    @Test func parkedUsersDoNotTurnTheShareBack() {
        var share = InputShare()
        #expect(share.read(to: 0, of: 100) == nil)
        #expect(share.read(to: 50, of: nil) == nil)
        #expect(share.read(to: 60, of: 240) == 0.25)
        #expect(share.read(to: 12, of: 240) == 0.25)
        #expect(share.read(to: 60, of: 40) == 1)
    }

    /// In the middle of a run the board has the share of the input, or of the users that a limit lets pass.
    @Test(arguments: [nil, 40]) func aRunTellsItsShare(_ limit: Int?) async throws {
        let ids = (0..<200).map { "user-\($0)" }
        let board = ProgressBoard()
        let seen = Seen()
        let lookup = ScriptedLookup { userID, _, _ in
            // One at a time, so that everything before this one has been told.
            if userID == "user-39" {
                while board.current.records < 39 { try await Task.sleep(for: .milliseconds(1)) }
                await seen.note(board.current.fraction)
            }
            return .absent
        }
        var limits = RunLimits()
        limits.maxAbsent = .share(1)
        let plan = RunPlan(
            pipeline: "p", source: .lookup(reader: ListReader(ids, inputSize: 200), lookup: lookup, concurrency: 1),
            sinks: [
                PlannedSink(
                    sink: MemorySink(store: MemoryStore(), name: "sink"), transforms: [], layout: .normalized(),
                    rowSetIndex: 0, fingerprint: "f")
            ], batchSize: 10, limits: limits, onChangedInput: .refuse, inputLimit: limit, version: "1")
        var log = Logger(label: "test")
        log.logLevel = .critical
        let runner = PipelineRunner(plan: plan, log: log, stop: StopSignal(), board: board)
        let reports = await runner.run(RunRequest())
        #expect(reports.last?.error == nil)
        #expect(await seen.fraction == 39 / Double(limit ?? 200))
    }

    private actor Seen {
        var fraction: Double?
        func note(_ fraction: Double?) { self.fraction = fraction }
    }
}
