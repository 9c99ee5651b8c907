import PipelineCore
import PipelineEngine
import Testing

@Suite struct BrakesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var limits: @Sendable (inout RunLimits) -> Void = { _ in }
        var counts: @Sendable (inout RunCounts) -> Void
        var ended = false
        var parked = 0
        var stops: AcceptedBrake?
        var mode = WriteMode.merge
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "nothing is wrong", counts: { $0.found = 1000 }),
        Case(
            name: "exactly the share",
            counts: {
                $0.found = 9900; $0.failed = 100
            }),
        Case(
            name: "one more than the share",
            counts: {
                $0.found = 9899; $0.failed = 101
            }, stops: .failed),
        Case(
            name: "below 1,000 records no share is judged",
            counts: {
                $0.found = 1; $0.failed = 998
            }),
        Case(
            name: "at 1,000 records it is",
            counts: {
                $0.found = 1; $0.failed = 999
            }, stops: .failed),
        Case(
            name: "below 20 cases no share is judged",
            counts: {
                $0.found = 981; $0.failed = 19
            }),
        Case(
            name: "at 20 cases it is",
            counts: {
                $0.found = 980; $0.failed = 20
            }, stops: .failed),
        Case(
            name: "a count is judged from the first record on", limits: { $0.maxFailed = .count(2) },
            counts: { $0.failed = 3 }, stops: .failed),
        Case(
            name: "a count that is reached is no excess", limits: { $0.maxFailed = .count(3) },
            counts: { $0.failed = 3 }
        ),
        Case(name: "everybody absent", counts: { $0.absent = 1000 }, stops: .absent),
        Case(
            name: "95 % absent",
            counts: {
                $0.absent = 950; $0.found = 50
            }),
        Case(
            name: "30 % of the endpoints removed",
            counts: {
                $0.found = 1500; $0.previousEndpoints = 2000; $0.removed = 600
            }, stops: .removed),
        Case(
            name: "20 % of the endpoints removed",
            counts: {
                $0.found = 1500; $0.previousEndpoints = 2000; $0.removed = 400
            }),
        Case(
            name: "a replace by one user of 60",
            counts: {
                $0.found = 1; $0.previousEndpoints = 60; $0.removed = 59
            }, stops: .removed, mode: .replace),
        Case(
            name: "the same share of one user's in a merge",
            counts: {
                $0.found = 1; $0.previousEndpoints = 60; $0.removed = 59
            }),
        Case(
            name: "a replace that removes 20 of 99",
            counts: {
                $0.found = 79; $0.previousEndpoints = 99; $0.removed = 20
            }, stops: .removed, mode: .replace),
        Case(
            name: "a replace that removes 20 of 100",
            counts: {
                $0.found = 80; $0.previousEndpoints = 100; $0.removed = 20
            }, mode: .replace),
        Case(
            name: "below 20 cases no share is judged, in a replace neither",
            counts: {
                $0.found = 1; $0.previousEndpoints = 20; $0.removed = 19
            }, mode: .replace),
        Case(name: "an empty input", counts: { _ in }, ended: true, stops: .empty),
        Case(name: "an input that hasn't ended", counts: { _ in }),
        Case(name: "only parked users so far", counts: { _ in }, ended: true, parked: 1),
        Case(
            name: "fewer than min_records", limits: { $0.minRecords = 10 }, counts: { $0.found = 9 }, ended: true,
            stops: .empty),
    ]

    @Test(arguments: cases) func judges(_ test: Case) {
        var limits = RunLimits()
        test.limits(&limits)
        var counts = RunCounts()
        test.counts(&counts)
        var progress = RunProgress.start
        progress.inputEnded = test.ended
        progress.parked = (0..<test.parked).map { ParkedRecord(ordinal: $0, position: .start) }
        let error = Brakes(limits: limits).judge(counts, progress: progress, mode: test.mode)
        #expect(error?.kind == (test.stops == nil ? nil : .brake))
        if let brake = test.stops {
            #expect(error?.hint?.contains("--accept \(brake.rawValue)") == true)
            #expect(Brakes(limits: limits, accepted: [brake]).judge(counts, progress: progress, mode: test.mode) == nil)
        }
    }
}
