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
        Line(records: 250, fraction: 0.25, text: "25 % · 250 done", share: 0.25),
        Line(
            records: 250, fraction: 0.25, rate: 50, text: "25 % · 250 done · 50/s · 15 s left", share: 0.25,
            secondsLeft: 15),
        Line(
            records: 100, fraction: 0.001, rate: 10, text: "0 % · 100 done · 10/s · 2 h 46 min left", share: 0.001,
            secondsLeft: 9990),
        Line(records: 250, fraction: 0.999, rate: 0, text: "99 % · 250 done · 0/s", share: 0.999),
        Line(records: 250, fraction: 1, rate: 50, text: "100 % · 250 done · 50/s", share: 1, secondsLeft: 0),
        Line(records: 0, fraction: 0, rate: nil, text: "0 done"),
    ]

    @Test(arguments: lines) func tells(_ line: Line) {
        let report = ProgressReport(reading(line.records, line.fraction), rate: line.rate)
        #expect(report.text == line.text)
        #expect(report.share == line.share)
        #expect(report.secondsLeft.map { $0.rounded() } == line.secondsLeft)
    }

    /// A reading in which there is something to tell of everything.
    private var full: ProgressBoard.Reading {
        reading(12000, 0.4) { reading in
            reading.absent = 360
            reading.failed = 3
            reading.parked = 2
            reading.statistics.throttled = 41
            reading.statistics.retries = 50
            reading.statistics.requests = 12050
            reading.statistics.foundRate = 299.7
            reading.statistics.latency = 0.0342
        }
    }

    /// What is least important goes first, and what stays keeps its place.
    @Test(arguments: [
        (
            160,
            "40 % · 12000 done · 11637 found, 360 absent · 298/s · limit found 300/s · 41 throttled · 3 failed · 2 parked "
                + "· latency 34 ms · 1 min left"
        ),
        (
            119,
            "40 % · 12000 done · 298/s · limit found 300/s · 41 throttled · 3 failed · 2 parked · latency 34 ms · 1 min left"
        ),
        (79, "40 % · 12000 done · 298/s · 41 throttled · 3 failed · 2 parked · 1 min left"),
        (39, "40 % · 12000 done · 298/s · 3 failed"), (24, "40 % · 12000 done"), (12, "12000 done"), (6, "12000…"),
        (1, "…"),
    ])
    func fitsIntoTheWidth(width: Int, expected: String) {
        #expect(ProgressReport(full, rate: 298.2).line(width: width) == expected)
    }

    @Test func whatIsWaitedForIsCutBeforeItIsLeftOut() {
        var reading = full
        reading.waiting = "no answer from the service for 12 s (connection refused)"
        let report = ProgressReport(reading, rate: 0)
        #expect(report.line(width: 39) == "12000 done · waiting: no answer from t…")
        // Too little would be left of it.
        #expect(report.line(width: 30) == "40 % · 12000 done · 3 failed")
        #expect(
            report.line(width: 99)
                == "40 % · 12000 done · 3 failed · waiting: no answer from the service for 12 s (connection refused)")
        for width in 1...200 { #expect(DisplayWidth.of(report.line(width: width)) <= width) }
    }

    /// Before there is a run, there may be something to wait for.
    @Test func whatIsWaitedForIsToldBeforeTheRunBegins() {
        var reading = ProgressBoard.Reading()
        #expect(!ProgressReport(reading, rate: nil).isTelling)
        reading.waiting = "sink 'warehouse': it is being opened, for 3 s"
        let report = ProgressReport(reading, rate: nil)
        #expect(report.isTelling)
        #expect(report.text == "waiting: sink 'warehouse': it is being opened, for 3 s")
    }

    @Test func colours() {
        #expect(
            ProgressReport(full, rate: nil).line(width: 30, style: .coloured)
                == "40 % · 12000 done · \u{1B}[31m3 failed\u{1B}[0m")
    }

    /// The fields of the log keep their names.
    @Test func fields() {
        var reading = full
        reading.waiting = "the service asked to wait for 5 s"
        let fields = ProgressReport(reading, rate: 298.24).fields.mapValues { "\($0)" }
        #expect(
            fields == [
                "event": "progress", "run_id": "run", "records": "12000", "found": "11637", "absent": "360",
                "failed": "3", "parked": "2", "requests": "12050", "retries": "50", "throttled": "41", "share": "0.4",
                "records_per_second": "298.2", "limit_per_second": "299.7", "latency_ms": "34.2", "seconds_left": "60",
                "waiting_for": "the service asked to wait for 5 s",
            ])
        let least = ProgressReport(self.reading(0, nil), rate: nil).fields.keys
        #expect(
            Set(least) == [
                "event", "run_id", "records", "found", "absent", "failed", "parked", "requests", "retries", "throttled",
            ])
    }

    /// Waits that are as short as usual aren't told; who waits longest comes first.
    @Test func theBoardTellsWhoWaits() async throws {
        let board = ProgressBoard()
        board.note(waitOf: "sink 'a'", for: "table x is locked")
        #expect(board.current.waiting == nil)
        board.note(waitOf: "sink 'b'", for: "it is being opened")
        let deadline = ContinuousClock.now + .seconds(30)
        while board.current.waiting?.contains("sink 'b'") != true {
            try #require(ContinuousClock.now < deadline)
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(
            board.current.waiting == "sink 'a': table x is locked, for 1 s; sink 'b': it is being opened, for 1 s")
        // Other words for the same wait don't begin it anew.
        board.note(waitOf: "sink 'a'", for: "a row is locked")
        #expect(board.current.waiting?.hasPrefix("sink 'a': a row is locked, for ") == true)
        board.note(waitOf: "sink 'a'", for: nil)
        board.note(waitOf: "sink 'b'", for: nil)
        #expect(board.current.waiting == nil)
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
