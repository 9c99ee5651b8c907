import AWSClient
import Testing

@Suite struct PacingTests {
    // MARK: - Waiters

    @Test func waitersKeepTheirOrder() {
        var queue = WaiterQueue<String>()
        for (ticket, name) in zip(1..., ["a", "b", "c", "d"]) { queue.append(name, ticket: UInt64(ticket)) }
        let value10 = queue.remove(ticket: 1)
        #expect(value10 == "a")
        let value11 = queue.remove(ticket: 3)
        #expect(value11 == "c")
        let value12 = queue.remove(ticket: 3)
        #expect(value12 == nil)
        #expect(queue.count == 2)
        #expect(queue.first == "b")
        let value13 = queue.popFirst()
        #expect(value13?.waiter == "b")
        let value14 = queue.popFirst()
        #expect(value14?.waiter == "d")
        #expect(queue.isEmpty)
    }

    // MARK: - Retry quota and delays

    @Test func quotaCostsAndRefills() {
        var quota = RetryQuota(tokens: 20)
        let value15 = quota.take(RetryQuota.retryCost, now: 0)
        #expect(value15 == 14)
        // Empty: one a second passes for nothing.
        let value16 = quota.take(RetryQuota.retryCost, now: 0)
        #expect(value16 == 0)
        let value17 = quota.take(RetryQuota.retryCost, now: 0.9)
        #expect(value17 == nil)
        let value18 = quota.take(RetryQuota.retryCost, now: 1)
        #expect(value18 == 0)
        quota.succeeded(paid: 14)
        #expect(quota.tokens == 20)
        quota.succeeded(paid: nil)
        #expect(quota.tokens == 21)
        var full = RetryQuota()
        full.succeeded(paid: 14)
        #expect(full.tokens == 500)
    }

    /// The delays of the SDKs' retry behaviour 2.1 with jitter at its most.
    @Test(arguments: zip(0...10, [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 20, 20]))
    func delays(index: Int, seconds: Double) {
        let policy = RetryPolicy()
        #expect(abs(policy.delay(retry: index, isThrottling: false, random: 1) - seconds) < 1e-9)
        #expect(policy.delay(retry: index, isThrottling: false, random: 0) == 0)
        #expect(policy.delay(retry: 4, isThrottling: true, random: 0.5) == 8)
        #expect(policy.delay(retry: 5, isThrottling: true, random: 0.5) == 10)
        #expect(policy.delay(retry: .max, isThrottling: true, random: 1) == 20)
    }

    @Test(arguments: [("1500", 1.5), ("0", 0.05), ("10000", 5.05), ("invalid", 0.05), ("-100", 0.05)])
    func retryAfterMilliseconds(header: String, seconds: Double) {
        let delay = RetryPolicy().delay(retry: 0, isThrottling: false, random: 1, retryAfterHeader: header)
        #expect(abs(delay - seconds) < 1e-9)
    }

    @Test(arguments: [
        ("7", 7.0), ("0", 0), ("-1", nil), ("soon", nil), ("Sun, 06 Nov 1994 08:49:47 GMT", 10),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
    ])
    func retryAfter(header: String, seconds: Double?) {
        #expect(RetryPolicy.retryAfter(header, unixNow: 784_111_777) == seconds)
    }

    // MARK: - Circuit

    @Test(arguments: [Circuit.Failure.unknownHost, .certificate])
    func hopelessFromTheStart(failure: Circuit.Failure) {
        var circuit = Circuit(outage: 900)
        let value19 = circuit.failed(failure, now: 1)
        #expect(value19)
        #expect(circuit.hasEnded)
    }

    @Test(arguments: [(Circuit.Failure.refused, 10.0), (.timeout, 30), (.other, 30)])
    func neverThere(failure: Circuit.Failure, limit: Double) {
        var circuit = Circuit(outage: 900)
        for second in 0..<Int(limit) {
            let value20 = circuit.failed(failure, now: Double(second))
            #expect(value20)
            #expect(!circuit.hasEnded)
        }
        _ = circuit.failed(failure, now: limit)
        #expect(circuit.hasEnded)
    }

    @Test func opensAfterTwentyInARowOverASecond() {
        var circuit = Circuit(outage: 900)
        circuit.answered()
        for index in 0..<19 {
            let isOutage = circuit.failed(.serverError, now: Double(index) * 0.1)
            #expect(!isOutage)
        }
        #expect(!circuit.isOpen)
        circuit.answered()
        for index in 0..<40 {
            let isOutage = circuit.failed(.serverError, now: 10 + Double(index) * 0.01)
            #expect(!isOutage)
        }
        #expect(!circuit.isOpen, "40 failures within 0.4 s are no outage yet")
        let value21 = circuit.failed(.timeout, now: 11)
        #expect(value21)
        #expect(circuit.isOpen)
        #expect(circuit.nextProbe == 12)
        circuit.probeSent(now: 12)
        let value22 = circuit.failed(.refused, now: 12.1)
        #expect(value22)
        #expect(circuit.nextProbe == 13)
        circuit.answered()
        #expect(!circuit.isOpen && !circuit.hasEnded)
    }

    @Test func endsWithTheOutage() {
        var circuit = Circuit(outage: 60)
        circuit.answered()
        for index in 0...20 { _ = circuit.failed(.refused, now: Double(index) * 0.1) }
        #expect(circuit.isOpen)
        circuit.endIfDue(now: 61.8)
        #expect(!circuit.hasEnded)
        circuit.endIfDue(now: 62)
        #expect(circuit.hasEnded)
        circuit.answered()
        #expect(circuit.hasEnded)
    }

    // MARK: - Admission

    @Test func retriesPayAndWaitTheirTurn() {
        var admission = Admission<String>(rate: 10, burst: 1, adapts: false, outage: 900, now: 0)
        let value23 = admission.admit(now: 0)
        #expect(value23 == .admitted)
        let value24 = admission.admit(now: 0)
        #expect(value24 == nil)
        let a = admission.enqueue("a", now: 0)
        _ = admission.enqueue("b", now: 0)
        let value25 = admission.pump(now: 0.05)
        #expect(value25.isEmpty)
        // Nobody overtakes a waiter.
        let value26 = admission.admit(now: 0.2)
        #expect(value26 == nil)
        let value27 = admission.remove(ticket: a, now: 0.1)
        #expect(value27 == "a")
        let value28 = admission.pump(now: 0.1)
        #expect(value28.map(\.waiter) == ["b"])
        #expect(admission.nextEvent(now: 0.1) == nil)
    }

    @Test func retryAfterHoldsEverybody() {
        var admission = Admission<String>(rate: 1000, burst: 10, adapts: false, outage: 900, now: 0)
        admission.hold(until: 5)
        let value29 = admission.admit(now: 1)
        #expect(value29 == nil)
        _ = admission.enqueue("a", now: 1)
        let value30 = admission.pump(now: 4.9)
        #expect(value30.isEmpty)
        #expect(admission.nextEvent(now: 4.9) == 5)
        let value31 = admission.pump(now: 5)
        #expect(value31.map(\.waiter) == ["a"])
    }

    @Test func openCircuitProbesOnceASecond() {
        var admission = Admission<Int>(rate: 1000, burst: 100, adapts: false, outage: 20, now: 0)
        _ = admission.finished(.succeeded, sentAt: 0, paid: nil, now: 0)
        for index in 0...20 {
            _ = admission.finished(.failed(.timeout), sentAt: 0, paid: nil, now: Double(index) * 0.1)
        }
        for worker in 0..<50 { _ = admission.enqueue(worker, now: 2) }
        let value32 = admission.takeQuota(14, now: 2)
        #expect(value32 == .quota(paid: 0))
        var probes: [Double] = []
        var ended = 0
        var now = 2.0
        while let next = admission.nextEvent(now: now) {
            now = max(now, next)
            for (_, grant) in admission.pump(now: now) {
                if grant == .ended { ended += 1 } else { probes.append(now) }
            }
        }
        let gaps = zip(probes, probes.dropFirst()).map { (one: Double, next: Double) -> Double in next - one }
        #expect(gaps.allSatisfy { $0 > 0.999 && $0 < 1.001 })
        #expect((18...20).contains(probes.count))
        #expect(probes.count + ended == 50)
        let value33 = admission.admit(now: 100)
        #expect(value33 == .ended)
    }
}
