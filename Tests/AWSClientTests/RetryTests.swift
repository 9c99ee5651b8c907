import AWSClient
import AWSSigning
import Foundation
import Pinpoint
import PipelineCore
import Testing

@Suite(.timeLimit(.minutes(2))) struct RetryTests {
    // MARK: - Delays

    /// The delays of retry behaviour 2.1, computed by hand: random · min(base · 2^i, max).
    @Test(arguments: [
        (0, false, 0.5, 0.025), (3, false, 0.5, 0.2), (8, false, 0.999, 12.7872), (9, false, 0.5, 10),
        (0, true, 0.5, 0.5), (4, true, 0.25, 4), (5, true, 0.5, 10), (1000, true, 0.5, 10), (0, true, 0, 0),
    ])
    func delays(index: Int, isThrottling: Bool, random: Double, expected: Double) {
        let delay = RetryPolicy(maxDelay: 20).delay(retry: index, isThrottling: isThrottling, random: random)
        #expect(abs(delay - expected) < 1e-9)
    }

    /// `x-amz-retry-after`, in milliseconds, lengthens a delay of 2 s by at most 5 s, and never shortens it.
    @Test(arguments: [
        (nil, 2), ("3500", 3.5), ("7000", 7), ("7001", 7), ("999999999", 7), ("1999", 2), ("0", 2), ("-1", 2),
        ("1.5", 2), ("", 2), ("soon", 2), ("99999999999999999999", 2),
    ])
    func serviceDelays(header: String?, expected: Double) {
        let delay = RetryPolicy(maxDelay: 20)
            .delay(retry: 2, isThrottling: true, random: 0.5, retryAfterHeader: header)
        #expect(delay == expected)
    }

    /// `Retry-After`, in seconds or as a date; the clock stands 10 s before RFC 9110's own example.
    @Test(arguments: [
        ("0", 0), ("120", 120), (" 7", 7), ("Sun, 06 Nov 1994 08:49:37 GMT", 10),
        ("Sun, 06 Nov 1994 08:49:27 GMT", 0), ("Sun, 06 Nov 1993 08:49:37 GMT", 0), ("-1", nil), ("1.5", nil),
        ("", nil), ("later", nil), ("Sunday, 06-Nov-94 08:49:37 GMT", nil),
    ])
    func holds(header: String, expected: Double?) {
        #expect(RetryPolicy.retryAfter(header, unixNow: 784_111_767) == expected)
    }

    /// Each form keeps the next attempt back; a busy machine may keep it longer.
    @Test(arguments: ["seconds", "date", "milliseconds"]) func retryAfterIsHonoured(form: String) async throws {
        try await withServer { _, number in
            guard number == 0 else { return good }
            return switch form {
            case "seconds": .answer(429, headers: [("Retry-After", "1")])
            // Two seconds on, because the part of the second that has passed is lost.
            case "date":
                .answer(
                    503,
                    headers: [("Retry-After", HTTPDate.text(unixSeconds: Int(Date().timeIntervalSince1970) + 2))])
            default: .answer(500, headers: [("x-amz-retry-after", "1000")])
            }
        } _: { lookup, server in
            let start = ContinuousClock.now
            let outcome = try await lookup.lookUp("u", call: LookupCall())
            #expect(outcome.words == "found 1")
            #expect(ContinuousClock.now - start >= .milliseconds(990))
            #expect(server.seen.count == 2)
        }
    }

    // MARK: - Attempts and deadlines

    @Test func attemptsAreCounted() {
        var call = CallProgress(retry: RetryPolicy(maxAttempts: 3, maxDelay: 20, deadline: 1000))
        call.wasAdmitted(at: 0, askedAt: 0)
        func next(throttled: Bool) -> Double? {
            call.delay(isThrottling: throttled, retryAfterHeader: nil, random: 0.5, now: 1)
        }
        let delays = [next(throttled: true), next(throttled: false), next(throttled: true), next(throttled: false)]
        #expect(delays == [0.5, 0.05, 2, 0.2])
        #expect(next(throttled: true) == 8, "throttled attempts don't count")
        #expect(next(throttled: false) == nil, "the third one that does")
    }

    @Test func deadlineStandsStillWhileOthersMakeTheCallWait() {
        var call = CallProgress(retry: RetryPolicy(maxAttempts: 100, maxDelay: 20, deadline: 10))
        #expect(call.remaining(now: 500) == 10, "it begins with the first attempt")
        call.wasAdmitted(at: 100, askedAt: 40)
        #expect(call.remaining(now: 104) == 6)
        // 20 s for a token, a Retry-After or the circuit.
        call.wasAdmitted(at: 124, askedAt: 104)
        #expect(call.remaining(now: 125) == 5)
        // 3 s for the quota.
        call.paused += 3
        #expect(call.remaining(now: 128) == 5)
        // An attempt of 2 s that was an outage's.
        call.wasOutage(seconds: 2)
        #expect(call.remaining(now: 130) == 5)
        // The service asks for 3 s where 0.5 s would do.
        let delay = call.delay(isThrottling: true, retryAfterHeader: "3000", random: 0.5, now: 130)
        #expect(delay == 3)
        #expect(call.remaining(now: 133) == 4.5)
        #expect(call.elapsed(now: 133) == 33, "waits are part of what it took")
    }

    @Test func nobodySleepsBeyondTheDeadline() {
        var call = CallProgress(retry: RetryPolicy(maxAttempts: 100, maxDelay: 20, deadline: 10))
        call.wasAdmitted(at: 0, askedAt: 0)
        #expect(call.delay(isThrottling: true, retryAfterHeader: nil, random: 0.5, now: 9.4) == 0.5)
        #expect(call.delay(isThrottling: true, retryAfterHeader: nil, random: 0.5, now: 9.4) == nil)
        call.wasAdmitted(at: 11, askedAt: 11)
        #expect(call.delay(isThrottling: true, retryAfterHeader: nil, random: 0, now: 11) == nil)
    }

    /// An outage ends the delays' growth as well: what comes after it begins anew.
    @Test func delaysBeginAnewAfterAnOutage() {
        var call = CallProgress(retry: RetryPolicy(maxAttempts: 100, maxDelay: 20, deadline: 1000))
        call.wasAdmitted(at: 0, askedAt: 0)
        let before = (0..<3).map { _ in call.delay(isThrottling: true, retryAfterHeader: nil, random: 0.5, now: 1) }
        #expect(before == [0.5, 1, 2])
        call.wasOutage(seconds: 1)
        #expect(call.delay(isThrottling: true, retryAfterHeader: nil, random: 0.5, now: 1) == 0.5)
    }

    @Test(arguments: ["silence", "stalled body"]) func deadlineEndsACall(kind: String) async throws {
        let retry = RetryPolicy(maxAttempts: 1000, maxDelay: 0.1, deadline: 1, outage: 60)
        try await withServer(
            { request, _ in
                if request.target.hasSuffix("first") { return good }
                return kind == "silence" ? .silence : .stalledBody(oneEndpoint)
            }, retry: retry
        ) { lookup, server in
            _ = try await lookup.lookUp("first", call: LookupCall())
            let outcome = try await lookup.lookUp("u", call: LookupCall())
            guard case .failed(let failure) = outcome else {
                Issue.record("it ended \(outcome.words)")
                return
            }
            #expect(failure.code == "Timeout")
            #expect(failure.attempts == server.seen.count - 1 && failure.attempts >= 1)
            #expect(failure.message.contains("\(failure.attempts) attempt"), "\(failure.message)")
        }
    }
}
