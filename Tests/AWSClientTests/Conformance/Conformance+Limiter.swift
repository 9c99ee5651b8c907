import AWSClient
import Foundation
import RateLimiting
import Testing

/// The token bucket and CUBIC of the SDKs' adaptive mode: the vectors against the published algorithm, and our own
/// bucket against both where it means the same.
extension Conformance {
    @Test(
        "CUBIC", arguments: ["cubic_success", "cubic_mixed_sep_java_swift", "cubic_mixed_go_rust_DIFFERENT", "cubic_k"])
    func cubic(kind: String) throws {
        let block = try Self.retryVectors(kind, ["sources", "rule", "initial", "steps", "k_for_wmax"])
        if let windows = block["k_for_wmax"] as? [[Double]] {
            for pair in windows {
                let model = PublishedRateLimiter.Cubic(lastMaxRate: try #require(pair.first), lastThrottle: 0)
                Self.expectClose(model.timeWindow, try #require(pair.last), "K for \(pair)")
            }
            Self.report(windows.count, "retry-vectors.json, \(kind)")
            return
        }
        // One block doesn't repeat the start that it shares with the others.
        let initial = try #require(
            (block["initial"] ?? Self.retryVectors("cubic_success")["initial"]) as? [String: Any])
        Self.expectKnown(initial, ["last_max_rate", "last_throttle_time"], kind)
        var model = try PublishedRateLimiter.Cubic(
            lastMaxRate: Self.number(initial["last_max_rate"], kind),
            lastThrottle: Self.number(initial["last_throttle_time"], kind))
        let remembersCut = (block["rule"] as? String)?.contains("AFTER the cut") ?? false
        var rate = 0.0
        let steps = try #require(block["steps"] as? [[Any]])
        for step in steps {
            let place = "\(kind), \(step)"
            let expected = try Self.number(step.last, place)
            let now = try Self.number(step.dropLast().last, place)
            switch step.count == 3 ? step[0] as? String : "ok" {
            case "ok": rate = model.success(now: now)
            case "throttle": rate = model.throttle(rate: rate, now: now, remembersCut: remembersCut)
            default: Issue.record("\(place): the result is unknown to this suite")
            }
            Self.expectClose(rate, expected, place)
        }
        Self.report(steps.count, "retry-vectors.json, \(kind)")
    }

    @Test("Adaptive mode, from answers to a rate")
    func endToEndUpdate() throws {
        let block = try Self.retryVectors("end_to_end_update", ["sources", "columns", "initial", "steps"])
        #expect(block["columns"] as? [String] == ["result", "t", "measured_tx_rate", "new_token_bucket_fill_rate"])
        // The start of the model: nothing known, nothing limited.
        let initial = try #require(block["initial"] as? [String: Any])
        Self.expectKnown(
            initial, ["t0", "last_max_rate", "last_throttle_time", "fill_rate", "enabled"], "end_to_end_update")
        for (name, value) in initial { #expect((value as? NSNumber)?.doubleValue == 0, "end_to_end_update, \(name)") }
        var model = PublishedRateLimiter()
        let steps = try #require(block["steps"] as? [[Any]])
        for step in steps {
            let place = "end_to_end_update, \(step)"
            try #require(step.count == 4, "\(place)")
            let result = try #require(step[0] as? String)
            #expect(["ok", "throttle"].contains(result), "\(place): the result is unknown to this suite")
            model.update(isThrottled: result == "throttle", now: try Self.number(step[1], place))
            Self.expectClose(model.measuredRate, try Self.number(step[2], place), "\(place), measured")
            Self.expectClose(model.fillRate, try Self.number(step[3], place), "\(place), limited")
        }
        Self.report(steps.count, "retry-vectors.json, end_to_end_update")
    }

    @Test("A limiter's invariants")
    func limiterInvariants() throws {
        let block = try Self.retryVectors("limiter_invariants", ["sources", "cases"])
        let cases = try #require(block["cases"] as? [String])
        for words in cases {
            guard let check = Self.limiterChecks[words] else {
                Issue.record("limiter_invariants: '\(words)' is unknown to this suite")
                continue
            }
            // After a throttled answer at 0 both limit to half a request a second, and start empty.
            var model = PublishedRateLimiter()
            model.update(isThrottled: true, now: 0)
            #expect(model.isEnabled && model.fillRate == 0.5 && model.maxCapacity == 1 && model.capacity == 0)
            var bucket = TokenBucket(rate: 0.5, capacity: 1, now: 0)
            bucket.pause(until: 0)
            check(&model, &bucket)
        }
        Self.report(cases.count, "retry-vectors.json, limiter_invariants")
    }

    /// Asks both, and expects one answer.
    @discardableResult
    private static func acquire(
        _ model: inout PublishedRateLimiter, _ bucket: inout TokenBucket, at now: Double, _ place: String = ""
    ) -> PublishedRateLimiter.Acquisition {
        let theirs = model.acquire(now: now)
        let isGranted = bucket.take(now: now)
        #expect(isGranted == (theirs == .granted), "\(place): at \(now)")
        if case .wait(let seconds) = theirs { expectClose(bucket.nextToken - now, seconds, "\(place), at \(now)") }
        expectClose(bucket.tokens, model.capacity, "\(place), tokens at \(now)")
        #expect(bucket.tokens >= 0 && bucket.tokens <= bucket.capacity, "\(place), at \(now)")
        return theirs
    }

    private typealias LimiterCheck = @Sendable (inout PublishedRateLimiter, inout TokenBucket) -> Void

    private static func expectWait(
        _ seconds: Double, _ acquisition: PublishedRateLimiter.Acquisition, _ place: String = "wait"
    ) {
        guard case .wait(let theirs) = acquisition else {
            Issue.record("\(place): granted instead of a wait of \(seconds) s")
            return
        }
        expectClose(theirs, seconds, place)
    }

    /// What the cases say in words.
    private static let limiterChecks: [String: LimiterCheck] = [
        """
        throttle at t=0 -> enabled, fill 0.5, max_capacity 1; acquire(1) at t=0.1 -> wait 1.9 s, capacity stays 0.05 \
        (never negative)
        """: { model, bucket in
            expectWait(1.9, acquire(&model, &bucket, at: 0.1))
            expectClose(model.capacity, 0.05, "capacity")
            expectClose(bucket.tokens, 0.05, "tokens")
        },
        "10 acquires at t=0.1 all return the same 1.9 s wait": { model, bucket in
            for _ in 0..<10 { expectWait(1.9, acquire(&model, &bucket, at: 0.1)) }
        },
        "acquire at t=2.1 granted, capacity 0": { model, bucket in
            expectWait(1.9, acquire(&model, &bucket, at: 0.1))
            #expect(acquire(&model, &bucket, at: 2.1) == .granted)
            #expect(model.capacity == 0)
            #expect(bucket.tokens == 0)
        },
        "shortfall < 1 ns must grant, not return a zero wait (else a busy loop)": { model, bucket in
            var (later, laterBucket) = (model, bucket)
            #expect(acquire(&model, &bucket, at: 2 - 0.9e-9) == .granted)
            #expect(bucket.tokens == 0)
            guard case .wait = acquire(&later, &laterBucket, at: 2 - 1.1e-9) else {
                Issue.record("a wait of more than a nanosecond is one")
                return
            }
        },
        "capacity 0, fill 20/s: wait reported; 1 s later granted, capacity in [0,20]": { model, bucket in
            model = PublishedRateLimiter(fillRate: 20, maxCapacity: 20, capacity: 0, now: 0)
            bucket = TokenBucket(rate: 20, capacity: 20, now: 0)
            bucket.pause(until: 0)
            expectWait(0.05, acquire(&model, &bucket, at: 0))
            #expect(acquire(&model, &bucket, at: 1) == .granted)
            #expect((0...20).contains(model.capacity))
            #expect((0...20).contains(bucket.tokens))
        },
    ]

    /// The same requests and the same changes of the rate for both, at random times; nobody waits in between, which is
    /// where ours is told to forgive late timers.
    @Test("Our bucket grants and refuses as the published one")
    func bucketAgainstModel() {
        for _ in 0..<20 {
            let seed = UInt64.random(in: 0...UInt64.max)
            var random = SeededSteps(state: seed)
            let rate = Double.random(in: 1.1...60, using: &random)
            var model = PublishedRateLimiter(fillRate: rate, maxCapacity: rate, capacity: rate, now: 0)
            var bucket = TokenBucket(rate: rate, capacity: rate, now: 0)
            var (now, granted, refused) = (0.0, 0, 0)
            let place = "seed \(seed)"
            for _ in 0..<2000 {
                switch Int.random(in: 0..<100, using: &random) {
                case 0:
                    let rate = Double.random(in: 1.1...60, using: &random)
                    model.limit(to: rate, now: now)
                    bucket.adjust(rate: rate, capacity: rate, now: now)
                case 1: now += Double.random(in: 0..<2, using: &random)
                case 2..<70: now += Double.random(in: 0..<1.2, using: &random) / model.fillRate
                default: break
                }
                switch Self.acquire(&model, &bucket, at: now, place) {
                case .granted: granted += 1
                case .wait(let seconds):
                    refused += 1
                    // Who comes back at the time that was named is let in.
                    guard Bool.random(using: &random) else { continue }
                    now += seconds
                    #expect(Self.acquire(&model, &bucket, at: now, place) == .granted, "\(place), at \(now)")
                }
            }
            #expect(granted > 0 && refused > 0, "\(place): \(granted) granted, \(refused) refused")
            print("Conformance: our bucket, \(place): \(granted) granted, \(refused) refused")
        }
    }
}

/// The same numbers for the same seed, so that a failure can be repeated.
private struct SeededSteps: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
