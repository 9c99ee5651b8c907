import AWSClient
import AWSSigning
import Foundation
import Logging
import Pinpoint
import PipelineCore
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct LookupTests {
    // MARK: - What an answer means

    @Test(arguments: [
        (200, "", #"{"Item":[]}"#, "found 0"),
        (200, "", #"{"Item":null}"#, "found 0"),
        (200, "", #"{"Item":[{"Id":"a"},{"Id":"b"}]}"#, "found 2"),
        (200, "", "{}", "failed 200 MalformedResponse 3"),
        (200, "", "", "failed 200 MalformedResponse 3"),
        (200, "", "<html>login</html>", "failed 200 MalformedResponse 3"),
        (404, "NotFoundException", #"{"Message":"User not found"}"#, "absent"),
        (404, "", #"{"Message":"Resource not found"}"#, "absent"),
        (404, "", "<html>no such page</html>", "failed 404 MalformedResponse 3"),
        (404, "", "", "failed 404 MalformedResponse 3"),
        (400, "BadRequestException:http://x/", #"{"Message":"bad"}"#, "failed 400 BadRequestException 1"),
        (400, "", #"{"__type":"com.amazonaws#BadRequestException"}"#, "failed 400 BadRequestException 1"),
        (405, "MethodNotAllowedException", "{}", "failed 405 MethodNotAllowedException 1"),
        (413, "PayloadTooLargeException", "{}", "failed 413 PayloadTooLargeException 1"),
        (500, "InternalServerErrorException", #"{"Message":"oops"}"#, "failed 500 InternalServerErrorException 3"),
        (502, "", "bad gateway", "failed 502 HTTP502 3"),
        (503, "", "", "failed 503 HTTP503 3"),
        (504, "", "", "failed 504 HTTP504 3"),
        (302, "", "", "failed 302 MalformedResponse 3"),
    ])
    func classification(status: Int, type: String, body: String, expected: String) async throws {
        let headers = type.isEmpty ? [] : [("x-amzn-ErrorType", type)]
        try await withServer { _, _ in
            .answer(status, headers: headers + [("x-amzn-RequestId", "req-1")], body: body)
        } _: { lookup, _ in
            let outcome = try await lookup.lookUp("user-1", call: LookupCall())
            #expect(outcome.words == expected)
            if case .failed(let failure) = outcome { #expect(failure.requestID == "req-1") }
        }
    }

    @Test(arguments: [
        (
            403, "ForbiddenException", "Forbidden:On October 30, 2026, AWS will end support for the Amazon Pinpoint",
            "archive"
        ),
        (403, "AccessDeniedException", "User: arn is not authorized on resource apps/a/users/user-1", "AccessDenied"),
        (403, "InvalidSignatureException", "Signature expired", "clock"),
        (403, "UnrecognizedClientException", "The security token is invalid", "AWS_ACCESS_KEY_ID"),
        (403, "ExpiredTokenException", "expired", "new credentials"),
        (404, "NotFoundException", "Application not found", "application_id"),
    ])
    func stops(status: Int, code: String, message: String, words: String) async throws {
        try await withServer { _, _ in
            .answer(status, headers: [("x-amzn-ErrorType", code)], body: #"{"Message":"\#(message)"}"#)
        } _: { lookup, server in
            let error = await #expect(throws: PipelineError.self) {
                _ = try await lookup.lookUp("user-1", call: LookupCall())
            }
            #expect(error?.kind == .permission)
            #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
            #expect(error?.description.contains("user-1") == false)
            #expect(server.seen.count == 1)
        }
    }

    @Test func throttledWithoutACode() async throws {
        try await withServer { _, number in
            number < 5 ? .answer(429) : good
        } _: { lookup, server in
            // Five throttled attempts are more than max_attempts: they don't count.
            let outcome1 = try await lookup.lookUp("u", call: LookupCall())
            #expect(outcome1.words == "found 1")
            #expect(lookup.statistics.throttled == 5)
            #expect(lookup.statistics.requests == 6 && lookup.statistics.retries == 5)
        }
    }

    /// What was learned of a limit can be kept for the next run.
    @Test func throttledByALimit() async throws {
        try await withServer { _, number in
            number.isMultiple(of: 2) ? .answer(429) : good
        } _: { lookup, _ in
            #expect(lookup.state == nil)
            await withTaskGroup { group in
                for user in 0..<16 { group.addTask { _ = try? await lookup.lookUp("u\(user)", call: LookupCall()) } }
            }
            #expect(lookup.statistics.throttled >= 10)
            #expect(lookup.state != nil)
        }
    }

    @Test func malformedAnswersForManyUsersStopTheRun() async throws {
        try await withServer { _, _ in
            .answer(200, body: "<html>")
        } _: { lookup, _ in
            let error = await #expect(throws: PipelineError.self) {
                for user in 0..<30 { _ = try await lookup.lookUp("user-\(user)", call: LookupCall()) }
            }
            #expect(error?.kind == .unavailable)
        }
    }

    // MARK: - Broken connections

    @Test(arguments: [
        ("reset", "ConnectionFailed"), ("truncated", "ConnectionFailed"), ("stalled body", "Timeout"),
        ("silence", "Timeout"), ("late", "Timeout"),
    ])
    func brokenConnections(kind: String, code: String) async throws {
        let action: ServerAction =
            switch kind {
            case "reset": .reset
            case "truncated": .truncated(oneEndpoint)
            case "stalled body": .stalledBody(oneEndpoint)
            case "silence": .silence
            default: .late(1, good)
            }
        // The first user is answered, so that the service is known to exist.
        try await withServer { request, number in
            request.target.hasSuffix("first") ? good : (number % 2 == 1 && number < 3 ? action : good)
        } _: { lookup, _ in
            let outcome2 = try await lookup.lookUp("first", call: LookupCall())
            #expect(outcome2.words == "found 1")
            let outcome3 = try await lookup.lookUp("second", call: LookupCall())
            #expect(outcome3.words == "found 1")
            #expect(lookup.statistics.retries == 1)
        }
        try await withServer { request, _ in
            request.target.hasSuffix("first") ? good : action
        } _: { lookup, _ in
            _ = try await lookup.lookUp("first", call: LookupCall())
            let outcome4 = try await lookup.lookUp("second", call: LookupCall())
            #expect(outcome4.words == "failed 0 \(code) 3")
        }
    }

    // MARK: - The request

    @Test(arguments: [
        ("a/b", "a%2Fb"), ("a%2Fb", "a%252Fb"), ("a b", "a%20b"), ("ünï", "%C3%BCn%C3%AF"), ("a+b", "a%2Bb"),
        ("#:?\\", "%23%3A%3F%5C"), ("jane@example.com", "jane%40example.com"), ("a//b", "a%2F%2Fb"),
        ("...", "..."), ("${x}", "%24%7Bx%7D"), ("a/../b", "a%2F..%2Fb"), ("e\u{301}", "e%CC%81"),
    ])
    func pathOnTheWire(id: String, wire: String) async throws {
        try await withServer { _, _ in
            good
        } _: { lookup, server in
            _ = try await lookup.lookUp(id, call: LookupCall())
            let request = try #require(server.seen.first)
            #expect(request.target == "/v1/apps/app%2F1/users/\(wire)")
            // The server's own computation over what really came must agree with the signature.
            let authorization = try #require(request.header("authorization"))
            let header = try AuthorizationHeader(parsing: authorization)
            let date = try #require(request.header("x-amz-date").flatMap { SigningTime($0) })
            #expect(header.signedHeaders == "host;x-amz-date;x-amz-security-token")
            #expect(header.scope.region == "eu-central-1" && header.scope.service == "mobiletargeting")
            let expected = SignatureVerification.expectedSignature(
                of: header, method: "GET", target: request.target,
                headers: request.headers.map { SigningHeader($0.name, $0.value) },
                credentials: SigningCredentials(accessKeyID: "AKID", secretAccessKey: "secret"),
                at: date, keys: SigningKeyCache())
            #expect(expected.signature == header.signature)
            #expect(request.header("user-agent") == "sluice/test")
            #expect(request.header("amz-sdk-request") == "attempt=1; max=3")
            #expect(request.header("host") == "127.0.0.1:\(server.port)")
        }
    }

    @Test(arguments: ["", ".", ".."]) func neverSent(id: String) async throws {
        try await withServer { _, _ in
            good
        } _: { lookup, server in
            let outcome = try await lookup.lookUp(id, call: LookupCall())
            #expect(outcome.words == (id.isEmpty ? "failed 0 EmptyUserId 0" : "failed 0 InvalidUserId 0"))
            #expect(server.seen.isEmpty)
        }
    }

    @Test func attemptsShareAnInvocationID() async throws {
        try await withServer { _, number in
            number < 2 ? .answer(500) : good
        } _: { lookup, server in
            let call = LookupCall()
            _ = try await lookup.lookUp("u", call: call)
            #expect(call.firstSent != nil)
            #expect(Set(server.seen.compactMap { $0.header("amz-sdk-invocation-id") }).count == 1)
            #expect(server.seen.map { $0.header("amz-sdk-request") ?? "" }.last == "attempt=3; max=3")
            let id = try #require(server.seen[0].header("amz-sdk-invocation-id"))
            #expect(UUID(uuidString: id) != nil)
        }
    }

    // MARK: - Waiting

    @Test func rateHolds() async throws {
        try await withServer({ _, _ in good }, rate: 200) { lookup, _ in
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for user in 0..<300 {
                    group.addTask { _ = try await lookup.lookUp("u\(user)", call: LookupCall()) }
                }
                try await group.waitForAll()
            }
            // 100 at once, the other 200 at 200 a second.
            #expect(ContinuousClock.now - start >= .milliseconds(980))
        }
    }

    @Test func cancellationIsPrompt() async throws {
        try await withServer({ _, _ in .silence }, rate: 1) { lookup, _ in
            let start = ContinuousClock.now
            let tasks = (0..<200).map { user in
                Task { try await lookup.lookUp("u\(user)", call: LookupCall()) }
            }
            try await Task.sleep(for: .milliseconds(100))
            for task in tasks { task.cancel() }
            for task in tasks {
                await #expect(throws: CancellationError.self) { _ = try await task.value }
            }
            #expect(ContinuousClock.now - start < .seconds(2))
        }
    }

    // MARK: - Outages

    @Test func refusedFromTheStart() async throws {
        let server = try await ScriptedServer { _, _ in good }
        await server.close()
        let lookup = try makeLookup(server.url)
        let start = ContinuousClock.now
        let error = await #expect(throws: PipelineError.self) { _ = try await lookup.lookUp("u", call: LookupCall()) }
        #expect(error?.kind == .unavailable)
        #expect((9.0...13).contains((ContinuousClock.now - start) / .seconds(1)))
        #expect(lookup.statistics.requests <= 14)
        await lookup.shutdown()
    }

    @Test func unknownHostEndsAtOnce() async throws {
        let lookup = try makeLookup("http://no-such-host.invalid:1")
        let error = await #expect(throws: PipelineError.self) { _ = try await lookup.lookUp("u", call: LookupCall()) }
        #expect(error?.kind == .configuration)
        await lookup.shutdown()
    }

    @Test func anOutageFailsNoUser() async throws {
        let away = Flag()
        try await withServer(
            { _, _ in away.isSet ? .answer(503) : good },
            retry: RetryPolicy(maxAttempts: 8, maxDelay: 20, deadline: 5, outage: 60), rate: 500
        ) { lookup, _ in
            let outage = Task {
                try await Task.sleep(for: .milliseconds(300))
                away.set(true)
                try await Task.sleep(for: .seconds(6))
                let wasHeld = lookup.isHeld
                away.set(false)
                return wasHeld
            }
            let words = try await lookUpAll(1500, inFlight: 64, lookup)
            #expect(words == ["found 1": 1500])
            let wasHeld = try await outage.value
            #expect(wasHeld)
            #expect(!lookup.isHeld)
        }
    }

    @Test func anOutageThatLastsEndsTheRun() async throws {
        let away = Flag()
        try await withServer(
            { _, _ in away.isSet ? .reset : good },
            retry: RetryPolicy(maxAttempts: 8, maxDelay: 20, deadline: 60, outage: 2)
        ) { lookup, _ in
            _ = try await lookup.lookUp("u", call: LookupCall())
            away.set(true)
            let error = await #expect(throws: PipelineError.self) {
                _ = try await lookUpAll(500, inFlight: 64, lookup)
            }
            #expect(error?.kind == .unavailable)
        }
    }

    // MARK: - Many at once

    @Test func everyCallEndsRight() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("LookupTests.everyCallEndsRight: seed \(seed)")
        let random = Draws(seed: seed)
        try await withServer(
            { request, _ in
                let draw = random.unit()
                switch draw {
                case ..<0.02: return .answer(500)
                case ..<0.04: return .reset
                case ..<0.05: return .truncated(oneEndpoint)
                case ..<0.06: return .answer(200, body: "<html>")
                case ..<0.07: return .answer(429)
                case ..<0.072: return .stalledBody(oneEndpoint)
                case ..<0.2: return .late(draw / 10, request.target.hasSuffix("7") ? absent : good)
                default: return request.target.hasSuffix("7") ? absent : good
                }
            }, retry: RetryPolicy(maxAttempts: 20, maxDelay: 0.2, deadline: 60, outage: 60), concurrency: 256
        ) { lookup, _ in
            let words = try await lookUpAll(2000, inFlight: 256, lookup)
            #expect(words == ["found 1": 1800, "absent": 200])
        }
    }

    // MARK: - Credentials

    @Test func missingCredentialsStopTheRun() async throws {
        let server = try await ScriptedServer { _, _ in good }
        let lookup = try makeLookup(server.url, credentials: .environment(["AWS_ACCESS_KEY_ID": "AKID"]))
        let error = await #expect(throws: PipelineError.self) { _ = try await lookup.lookUp("u", call: LookupCall()) }
        #expect(error?.kind == .permission)
        #expect(error?.message.contains("AWS_SECRET_ACCESS_KEY") == true)
        #expect(server.seen.isEmpty)
        await lookup.shutdown()
        await server.close()
    }

    @Test func stateSurvives() async throws {
        let lookup = try makeLookup("http://127.0.0.1:9", rate: 1000)
        #expect(lookup.state == nil)
        lookup.restore(state: "nonsense")
        lookup.restore(state: #"{"learned_requests_per_second":"x"}"#)
        #expect(lookup.state == nil)
        lookup.restore(state: #"{"learned_requests_per_second":123.456}"#)
        #expect(lookup.state == #"{"learned_requests_per_second":123.456}"#)
        let allowed = try #require(lookup.statistics.allowedRate)
        #expect(allowed < 123.456)
        await lookup.shutdown()
    }
}

private let absent = ServerAction.answer(
    404, headers: [("x-amzn-ErrorType", "NotFoundException")], body: #"{"Message":"User not found"}"#)

/// Looks `count` users up, some at once, and counts how they ended.
private func lookUpAll(_ count: Int, inFlight: Int, _ lookup: GetUserEndpoints) async throws -> [String: Int] {
    let tally = Tally()
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<inFlight {
            group.addTask {
                while true {
                    let user = tally.next()
                    guard user < count else { return }
                    let outcome = try await lookup.lookUp("user-\(user)", call: LookupCall())
                    tally.note(outcome.words)
                }
            }
        }
        try await group.waitForAll()
    }
    return tally.words
}

private final class Draws: Sendable {
    private let generator: Mutex<SplitMix>
    init(seed: UInt64) { generator = Mutex(SplitMix(state: seed)) }
    func unit() -> Double { generator.withLock { $0.unit() } }
}

private final class Tally: Sendable {
    private let state = Mutex<(next: Int, words: [String: Int])>((0, [:]))
    var words: [String: Int] { state.withLock { $0.words } }
    func note(_ word: String) { state.withLock { $0.words[word, default: 0] += 1 } }
    func next() -> Int {
        state.withLock { state in
            defer { state.next += 1 }
            return state.next
        }
    }
}
