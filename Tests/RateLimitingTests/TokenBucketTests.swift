import RateLimiting
import Testing

@Suite struct TokenBucketTests {
    @Test func grantsItsBurstThenItsRate() {
        var bucket = TokenBucket(rate: 10, capacity: 3, now: 0)
        let first = (0..<3).map { _ in bucket.take(now: 0) }
        #expect(first == [true, true, true])
        let value1 = bucket.take(now: 0)
        #expect(!value1)
        #expect(abs(bucket.nextToken - 0.1) < 1e-12)
        let value2 = bucket.take(now: 0.0999)
        #expect(!value2)
        let value3 = bucket.take(now: 0.1)
        #expect(value3)
        // Idle time saves no more than the capacity.
        let saved = (0..<5).filter { _ in bucket.take(now: 100) }.count
        #expect(saved == 3)
    }

    /// A shortfall of less than a nanosecond grants, and the tokens never go below zero.
    @Test func isNeverNegative() {
        var bucket = TokenBucket(rate: 0.5, capacity: 1, now: 0)
        let value4 = bucket.take(now: 0)
        #expect(value4)
        let value5 = bucket.take(now: 1.999_999)
        #expect(!value5)
        let value6 = bucket.take(now: 2 - 1e-10)
        #expect(value6)
        #expect(bucket.tokens >= 0)
    }

    /// Whoever is granted a token a fraction of a nanosecond early doesn't move the next one forward.
    @Test func owesWhatCameEarly() {
        var bucket = TokenBucket(rate: 1, capacity: 1, now: 0)
        let isFullAtFirst = bucket.take(now: 0)
        #expect(isFullAtFirst)
        let isGrantedEarly = bucket.take(now: 1 - 0.9e-9)
        #expect(isGrantedEarly)
        #expect(abs(bucket.nextToken - 2) < 1e-12)
        let isGrantedEarlier = bucket.take(now: 2 - 1.1e-9)
        #expect(!isGrantedEarlier)
    }

    /// A timer that comes late costs nobody a token while others wait.
    @Test func forgivesLateTimers() {
        var bucket = TokenBucket(rate: 300, capacity: 1, now: 0)
        var granted = 0
        var now = 0.0
        while now < 10 {
            while bucket.take(now: now, isContended: true) { granted += 1 }
            now = max(now, bucket.nextToken) + 0.002
        }
        #expect((2990...3010).contains(granted))
    }

    @Test func pausedBucketStartsEmpty() {
        var bucket = TokenBucket(rate: 10, capacity: 5, now: 0)
        bucket.pause(until: 1)
        let value7 = bucket.take(now: 0.5)
        #expect(!value7)
        let value8 = bucket.take(now: 1.05)
        #expect(!value8)
        let value9 = bucket.take(now: 1.11)
        #expect(value9)
    }

    /// Against the count that a bucket can't pass by its definition, burst + rate × time, and reaches when it is asked so
    /// often that it never overflows.
    @Test(arguments: [(300.0, 30), (300.0, 300), (2.5, 2), (100_000.0, 10)])
    func rateAndBurst(rate: Double, burst: Int) {
        let seed = UInt64.random(in: 0 ... .max)
        var state = seed
        let start = 1000.0
        var bucket = TokenBucket(rate: rate, capacity: Double(burst), now: start)
        var now = start
        var taken = 0
        for _ in 0..<200_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            now += Double(state >> 40) / Double(1 << 24) * 0.6 / rate
            if bucket.take(now: now) { taken += 1 }
        }
        let bound = Double(burst) + rate * (now - start)
        #expect(Double(taken) <= bound + 1e-3, "seed \(seed)")
        #expect(Double(taken) >= bound - 2 - Double(taken) * 1e-9, "seed \(seed)")
    }

    @Test func aClockThatStepsBackGrantsNothing() {
        var bucket = TokenBucket(rate: 1000, capacity: 1, now: 0)
        let answers = [5, 1e-9, 5, 5.001].map { bucket.take(now: $0) }
        #expect(answers == [true, false, false, true])
    }
}
