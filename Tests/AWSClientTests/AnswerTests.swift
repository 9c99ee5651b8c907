import AWSClient
import AWSSigning
import Foundation
import Pinpoint
import PipelineCore
import Testing

/// Whose answer it is, what it means, and how long it is waited for.
@Suite(.timeLimit(.minutes(2))) struct AnswerTests {
    private static let page = "<html>blocked</html>"

    @Test(arguments: [408, 421, 425, 460, 499, 500, 501, 505, 507, 520, 599])
    func retriedLikeABrokenConnection(status: Int) async throws {
        for body in ["", Self.page, #"{"Message":"x"}"#] {
            try await withServer { _, number in
                number < 2 ? .answer(status, body: body) : good
            } _: { lookup, _ in
                let outcome = try await lookup.lookUp("u", call: LookupCall())
                #expect(outcome.words == "found 1")
            }
        }
    }

    /// A page is a proxy's or a firewall's: it fails this user, and not the run.
    @Test(arguments: [301, 400, 401, 403, 404, 407, 451])
    func somebodyElsesAnswer(status: Int) async throws {
        try await withServer { request, _ in
            request.target.hasSuffix("blocked") ? .answer(status, body: Self.page) : good
        } _: { lookup, _ in
            let outcome = try await lookup.lookUp("blocked", call: LookupCall())
            #expect(outcome.words == "failed \(status) MalformedResponse 3")
            guard case .failed(let failure) = outcome else { return }
            #expect(failure.message.contains("\(status)"))
            // A kept message tells no time that passed.
            #expect(!failure.message.contains(" s)"))
            #expect(lookup.isInDoubt("blocked"))
            let other = try await lookup.lookUp("other", call: LookupCall())
            #expect(other.words == "found 1")
            #expect(!lookup.isInDoubt("blocked"))
        }
    }

    /// An ID may say anything; the service's words are what is left of a message without it.
    @Test(arguments: ["my-application-7", "application", "end of support"])
    func idsThatSaySomething(id: String) async throws {
        let body = #"{"Message":"Resource not found: \#(id)"}"#
        try await withServer { _, _ in
            .answer(404, headers: [("x-amzn-ErrorType", "NotFoundException")], body: body)
        } _: { lookup, _ in
            let outcome = try await lookup.lookUp(id, call: LookupCall())
            #expect(outcome.words == "absent")
        }
    }

    @Test(arguments: [
        (401, PipelineError.Kind.permission), (403, .permission), (404, .unavailable), (302, .unavailable),
    ])
    func twentyUsersInARow(status: Int, kind: PipelineError.Kind) async throws {
        // One attempt each: retries would use up the quota.
        try await withServer(
            { request, _ in request.target.hasSuffix("good") ? good : .answer(status, body: Self.page) },
            retry: RetryPolicy(maxAttempts: 1, maxDelay: 0.01, deadline: 5, outage: 5)
        ) { lookup, _ in
            // Nineteen are no reason, nor is one user as often as you like, once another answer has come.
            for user in 0..<19 { _ = try await lookup.lookUp("a\(user)", call: LookupCall()) }
            _ = try await lookup.lookUp("good", call: LookupCall())
            for _ in 0..<25 { _ = try await lookup.lookUp("same", call: LookupCall()) }
            for user in 0..<18 { _ = try await lookup.lookUp("b\(user)", call: LookupCall()) }
            let error = await #expect(throws: PipelineError.self) {
                _ = try await lookup.lookUp("twentieth", call: LookupCall())
            }
            #expect(error?.kind == kind)
            #expect(error?.message.contains("\(status)") == true)
        }
    }

    @Test(arguments: ["x", "e", "t", "a", "1", "s3"])
    func shortKeysChangeNoMeaning(key: String) async throws {
        let credentials = CredentialProvider.fixed(
            SigningCredentials(accessKeyID: key, secretAccessKey: key, sessionToken: key))
        try await withServer(
            { request, number in
                switch request.target.split(separator: "/").last {
                case "absent":
                    .answer(404, headers: [("x-amzn-ErrorType", "NotFoundException")], body: #"{"Message":"not here"}"#)
                case "throttled": number < 3 ? .answer(400, body: #"{"__type":"ThrottlingException"}"#) : good
                default: .answer(400, body: #"{"__type":"BadRequestException","Message":"it says \#(key) alone"}"#)
                }
            }, credentials: credentials
        ) { lookup, _ in
            let throttled = try await lookup.lookUp("throttled", call: LookupCall())
            #expect(throttled.words == "found 1")
            let absent = try await lookup.lookUp("absent", call: LookupCall())
            #expect(absent.words == "absent")
            let bad = try await lookup.lookUp("bad", call: LookupCall())
            #expect(bad.words == "failed 400 BadRequestException 1")
            if case .failed(let failure) = bad { #expect(failure.message.contains("it says ••• alone")) }
        }
    }

    /// The answer's own clock is minutes off, either way: the date is a second after it all the same.
    @Test(arguments: [-600, -200, 200, 600]) func retryAfterAsADate(skew: Int) async throws {
        try await withServer { _, number in
            guard number == 0 else { return good }
            let now = Int(Date().timeIntervalSince1970) + skew
            return .answer(
                503, headers: [("Date", imfDate(now)), ("Retry-After", imfDate(now + 1))], body: "busy")
        } _: { lookup, _ in
            let start = ContinuousClock.now
            let outcome = try await lookup.lookUp("u", call: LookupCall())
            #expect(outcome.words == "found 1")
            #expect((0.9...3).contains((ContinuousClock.now - start) / .seconds(1)))
        }
    }

    @Test func oneOfTheLastIsThrottledForEver() async throws {
        try await withServer(
            { request, _ in request.target.hasSuffix("never") ? .answer(429) : good },
            retry: RetryPolicy(maxAttempts: 3, maxDelay: 0.2, deadline: 1.5, outage: 60)
        ) { lookup, _ in
            _ = try await lookup.lookUp("first", call: LookupCall())
            let outcome = try await lookup.lookUp("never", call: LookupCall(isAmongTheLast: true))
            guard case .failed(let failure) = outcome else {
                Issue.record("\(outcome.words)")
                return
            }
            #expect(failure.code == "Throttled" && failure.status == 429)
        }
    }

    /// Nothing but "too many requests", for everybody, is an outage.
    @Test func everybodyIsThrottledForEver() async throws {
        try await withServer(
            { _, _ in .answer(429) }, retry: RetryPolicy(maxAttempts: 3, maxDelay: 0.2, deadline: 60, outage: 1.5)
        ) { lookup, _ in
            await withTaskGroup(of: PipelineError.Kind?.self) { group in
                for user in 0..<20 {
                    group.addTask {
                        do {
                            _ = try await lookup.lookUp("u\(user)", call: LookupCall())
                            return nil
                        } catch { return (error as? PipelineError)?.kind }
                    }
                }
                for await kind in group { #expect(kind == .unavailable) }
            }
        }
    }
}

private func imfDate(_ seconds: Int) -> String {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(identifier: "GMT")
    format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    return format.string(from: Date(timeIntervalSince1970: Double(seconds)))
}
