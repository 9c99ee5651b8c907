import AWSClient
import AWSSigning
import Foundation
import Logging
import Pinpoint
import PipelineCore
import Testing

/// The SDKs' standard retry mode: delays, Retry-After, attempts, quota.
extension Conformance {
    /// A block of `retry-vectors.json`; `known` are the members that have a meaning here.
    static func retryVectors(_ kind: String, _ known: Set<String> = []) throws -> [String: Any] {
        let block = try #require(
            ConformanceFolder.json("retry-vectors.json")[kind] as? [String: Any],
            "retry-vectors.json lacks '\(kind)'")
        if !known.isEmpty { expectKnown(block, known, "retry-vectors.json, \(kind)") }
        return block
    }

    @Test("Every kind of retry vector is known")
    func retryKinds() throws {
        let kinds: Set<String> = [
            "cubic_success", "cubic_mixed_sep_java_swift", "cubic_mixed_go_rust_DIFFERENT", "cubic_k",
            "end_to_end_update", "limiter_invariants", "standard_v2_1", "standard_v2_0",
        ]
        let document = try ConformanceFolder.json("retry-vectors.json")
        Self.expectKnown(document, kinds.union(["note"]), "retry-vectors.json")
        for kind in kinds { #expect(document[kind] != nil, "retry-vectors.json lacks '\(kind)'") }
    }

    private static let standardMembers: Set<String> = [
        "sources", "jitter", "columns", "cases", "retry_after_ms_header", "delay_by_attempt_non_throttling",
        "jitter_half_attempt5_throttling", "max_capped",
    ]

    // MARK: - Delays

    @Test("Delays before a retry")
    func delays() throws {
        let block = try Self.retryVectors("standard_v2_1", Self.standardMembers)
        let policy = RetryPolicy()
        let delays = try #require(block["delay_by_attempt_non_throttling"] as? [Double])
        for (index, seconds) in delays.enumerated() {
            Self.expectClose(policy.delay(retry: index, isThrottling: false, random: 1), seconds, "retry \(index)")
        }
        Self.report(delays.count, "retry-vectors.json, delay_by_attempt_non_throttling")

        let half = try #require(block["jitter_half_attempt5_throttling"] as? [String: Any])
        Self.expectKnown(half, ["random", "i", "delay"], "jitter_half_attempt5_throttling")
        let delay = try policy.delay(
            retry: Int(Self.number(half["i"], "i")), isThrottling: true, random: Self.number(half["random"], "random"))
        Self.expectClose(delay, try Self.number(half["delay"], "delay"), "jitter_half_attempt5_throttling")
        Self.report(1, "retry-vectors.json, jitter_half_attempt5_throttling")

        let headers = try #require(block["retry_after_ms_header"] as? [[Any]])
        for pair in headers {
            let header = try #require(pair.first as? String)
            let delay = policy.delay(retry: 0, isThrottling: false, random: 1, retryAfterHeader: header)
            Self.expectClose(delay, try Self.number(pair.last, header), "x-amz-retry-after: \(header)")
        }
        Self.report(headers.count, "retry-vectors.json, retry_after_ms_header")
    }

    /// The older behaviour starts at 1 s whatever went wrong, as ours does behind a throttled answer; its quota has other
    /// prices, and the same size and reward.
    @Test("What the older behaviour has in common with ours")
    func olderBehaviour() throws {
        let block = try Self.retryVectors("standard_v2_0", ["sources", "delay_by_attempt", "quota"])
        let delays = try #require(block["delay_by_attempt"] as? [Double])
        for (index, seconds) in delays.enumerated() {
            let delay = RetryPolicy().delay(retry: index, isThrottling: true, random: 1)
            Self.expectClose(delay, seconds, "2.0, retry \(index)")
        }
        let prices = try #require(block["quota"] as? [String: Int])
        Self.expectKnown(prices, ["retry", "timeout_retry", "no_retry_increment", "capacity"], "standard_v2_0, quota")
        let capacity = try #require(prices["capacity"])
        #expect(RetryQuota.capacity == capacity)
        for kind in ["retry", "timeout_retry"] {
            let price = try #require(prices[kind])
            var quota = RetryQuota(tokens: capacity)
            let paid = quota.take(price, now: 0)
            #expect(paid == price && quota.tokens == capacity - price, "\(kind)")
            quota.succeeded(paid: nil)
            #expect(try quota.tokens == capacity - price + #require(prices["no_retry_increment"]), "\(kind)")
        }
        Self.report(delays.count + prices.count, "retry-vectors.json, standard_v2_0")
    }

    // MARK: - Whole calls

    /// One case: what was answered, and what should come of it.
    private struct RetryCase {
        struct Step {
            /// A status, or "throttling".
            let response: String
            let outcome: String
            let quotaAfter: Int
            let delay: Double?
        }

        let name: String
        let quota: Int
        let policy: RetryPolicy
        /// The first delay in multiples of ours.
        let scale: Double
        let steps: [Step]

        init(_ vector: [String: Any]) throws {
            name = try #require(vector["name"] as? String)
            Conformance.expectKnown(vector, ["name", "quota", "max_attempts", "max_backoff", "steps"], name)
            quota = try #require(vector["quota"] as? Int)
            var policy = RetryPolicy(maxAttempts: try #require(vector["max_attempts"] as? Int))
            if let seconds = (vector["max_backoff"] as? NSNumber)?.doubleValue { policy.maxDelay = seconds }
            self.policy = policy
            // One service has a base of its own, which its case has in its name alone; ours is 0.05 s.
            let own = try name.firstMatch(of: Regex(#"scale ([0-9.]+)"#, as: (Substring, Substring).self))
            scale = try own.map { try #require(Double($0.output.1)) / 0.05 } ?? 1
            let name = name
            steps = try #require(vector["steps"] as? [[Any]]).map { step in
                try #require(step.count == 4, "\(name): \(step)")
                return Step(
                    response: try #require(step[0] as? String), outcome: try #require(step[1] as? String),
                    quotaAfter: try #require(step[2] as? Int), delay: (step[3] as? NSNumber)?.doubleValue)
            }
        }
    }

    private static func retryCases() throws -> [RetryCase] {
        let block = try retryVectors("standard_v2_1", standardMembers)
        #expect(block["columns"] as? [String] == ["response", "outcome", "quota_after", "delay_s"])
        #expect(block["jitter"] as? String == "random()=1")
        return try #require(block["cases"] as? [[String: Any]]).map(RetryCase.init)
    }

    @Test("Retries: delays and quota")
    func quotaAndDelays() throws {
        let cases = try Self.retryCases()
        for vector in cases {
            var quota = RetryQuota(tokens: vector.quota)
            var (failures, retries) = (0, 0)
            var lastPaid: Int?
            for (number, step) in vector.steps.enumerated() {
                let place = "\(vector.name), step \(number)"
                let isThrottling = step.response == "throttling"
                let cost = isThrottling ? RetryQuota.throttlingCost : RetryQuota.retryCost
                failures += 1
                switch step.outcome {
                case "success":
                    quota.succeeded(paid: lastPaid)
                    (failures, retries, lastPaid) = (0, 0, nil)
                    #expect(step.delay == nil, "\(place)")
                case "retry":
                    #expect(failures < vector.policy.maxAttempts, "\(place)")
                    lastPaid = quota.take(cost, now: 0)
                    #expect(lastPaid == cost, "\(place)")
                    let delay = vector.policy.delay(retry: retries, isThrottling: isThrottling, random: 1)
                    Self.expectClose(delay * vector.scale, try #require(step.delay, "\(place)"), place)
                    retries += 1
                case "quota_exceeded":
                    // Where an SDK gives up, a batch waits: one retry a second passes, and pays nothing.
                    let (free, next) = (quota.take(cost, now: 0), quota.take(cost, now: 0.9))
                    #expect(free == 0 && next == nil, "\(place)")
                case "max_attempts":
                    #expect(failures == vector.policy.maxAttempts, "\(place)")
                default: Issue.record("\(place): the outcome '\(step.outcome)' is unknown to this suite")
                }
                #expect(quota.tokens == step.quotaAfter, "\(place)")
            }
        }
        Self.report(cases.count, "retry-vectors.json, standard_v2_1")
    }

    @Test("The quota is never above its size")
    func quotaCap() throws {
        let words = try Self.retryVectors("standard_v2_1", Self.standardMembers)["max_capped"] as? String
        #expect(
            words == "release never exceeds 500; a success with no retry releases 1",
            "max_capped says something that is unknown to this suite")
        for paid in [nil, RetryQuota.throttlingCost, RetryQuota.retryCost] {
            var full = RetryQuota()
            full.succeeded(paid: paid)
            #expect(full.tokens == 500)
            var nearlyFull = RetryQuota(tokens: 499)
            nearlyFull.succeeded(paid: paid)
            #expect(nearlyFull.tokens == 500)
        }
        var used = RetryQuota(tokens: 100)
        used.succeeded(paid: nil)
        #expect(used.tokens == 101)
        Self.report(1, "retry-vectors.json, max_capped")
    }

    /// The cases that start with a full quota, as a client does, over a connection: as many requests as steps.
    @Test("Retries: attempts over the wire", .timeLimit(.minutes(2)))
    func attempts() async throws {
        let cases = try Self.retryCases().filter { $0.quota == RetryQuota.capacity }
        for vector in cases {
            let steps = vector.steps
            let server = try await ScriptedServer { _, number in
                switch number < steps.count ? steps[number].response : "" {
                case "200": .answer(200, body: #"{"Item":[]}"#)
                case "throttling": .answer(429, headers: [("x-amzn-ErrorType", "TooManyRequestsException")])
                case let status: .answer(Int(status) ?? 418)
                }
            }
            let client = ServiceClient(
                configuration: ServiceConfiguration(
                    signingName: GetUserEndpoints.signingName, region: "eu-central-1",
                    endpoint: try Endpoint(server.url), concurrency: 1, retry: vector.policy, userAgent: "sluice/test"),
                credentials: .fixed(SigningCredentials(accessKeyID: "AKID", secretAccessKey: "secret")),
                logger: Logger(label: "test"))
            let lookup = GetUserEndpoints(applicationID: "app", client: client)
            let result: Result<Outcome, any Error>
            do {
                result = .success(try await lookup.lookUp("user", call: LookupCall()))
            } catch {
                result = .failure(error)
            }
            await lookup.shutdown()
            await server.close()
            #expect(server.seen.count == steps.count, "\(vector.name)")
            switch (try result.get(), steps.last?.outcome) {
            case (.found, "success"): break
            case (.failed(let failure), "max_attempts"):
                #expect(failure.attempts == steps.count, "\(vector.name)")
                #expect(failure.status.map(String.init) == steps.last?.response, "\(vector.name)")
            case (let outcome, let expected): Issue.record("\(vector.name): \(outcome) instead of \(expected ?? "")")
            }
        }
        Self.report(cases.count, "retry-vectors.json, standard_v2_1, over the wire")
    }
}
