import AWSClient
import AWSSigning
import Foundation
import Pinpoint
import PipelineCore
import Synchronization
import Testing

/// Refused signatures: the clock is corrected, expired credentials are renewed, each once for a call.
@Suite(.timeLimit(.minutes(2))) struct MendingTests {
    /// What a server with this clock says to a request signed by another one.
    private static func judge(
        _ request: SeenRequest, clock: Int, code: String, status: Int = 403
    ) -> ServerAction {
        let sent = request.header("x-amz-date").flatMap { SigningTime($0) }?.unixSeconds ?? 0
        if abs(sent - clock) < 300 { return good }
        return .answer(
            status, headers: [("x-amzn-ErrorType", code), ("Date", HTTPDate.text(unixSeconds: clock))],
            body: #"{"Message":"Signature expired"}"#)
    }

    private static var now: Int { Int(Date().timeIntervalSince1970) }

    @Test(arguments: [
        ("RequestTimeTooSkewed", 403, 3600), ("RequestExpired", 400, 3600), ("RequestInTheFuture", 403, -3600),
        ("InvalidSignatureException", 403, -86_400), ("SignatureDoesNotMatch", 403, 400),
    ])
    func clockSkewIsLearned(code: String, status: Int, ahead: Int) async throws {
        try await withServer { request, _ in
            Self.judge(request, clock: Self.now + ahead, code: code, status: status)
        } _: { lookup, server in
            for user in ["u", "v"] {
                let outcome = try await lookup.lookUp(user, call: LookupCall())
                #expect(outcome.words == "found 1")
            }
            #expect(server.seen.count == 3, "one refusal, for all calls")
        }
    }

    @Test func aFlightLearnsTogether() async throws {
        try await withServer { request, _ in
            let action = Self.judge(request, clock: Self.now + 3600, code: "InvalidSignatureException")
            return .late(0.1, action)
        } _: { lookup, server in
            let words = try await withThrowingTaskGroup(of: String.self) { group in
                for user in 0..<32 {
                    group.addTask { try await lookup.lookUp("u\(user)", call: LookupCall()).words }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(words == ["found 1"])
            #expect(server.seen.count <= 64)
        }
    }

    /// A refusal that the clock doesn't explain is final: after one attempt where the clocks agree or no date is given,
    /// after two where a correction didn't help.
    @Test(arguments: [("agrees", 1), ("off by less than 4 min", 1), ("no date", 1), ("no use", 2)])
    func otherRefusalsAreFinal(kind: String, attempts: Int) async throws {
        try await withServer { _, _ in
            let date: [(String, String)] =
                switch kind {
                case "agrees": [("Date", HTTPDate.text(unixSeconds: Self.now))]
                case "off by less than 4 min": [("Date", HTTPDate.text(unixSeconds: Self.now + 200))]
                case "no date": []
                default: [("Date", HTTPDate.text(unixSeconds: Self.now + 3600))]
                }
            return .answer(
                403,
                headers: [("x-amzn-ErrorType", "InvalidSignatureException"), ("x-amzn-RequestId", "req-9")] + date,
                body: #"{"Message":"The signature doesn't match"}"#)
        } _: { lookup, server in
            let error = await #expect(throws: PipelineError.self) {
                _ = try await lookup.lookUp("u", call: LookupCall())
            }
            #expect(server.seen.count == attempts)
            // Status, code, request ID, attempts and time, in one line.
            let message = error?.message ?? ""
            for part in [
                "403 InvalidSignatureException", "request req-9", attempts == 1 ? "1 attempt in" : "2 attempts in",
            ] {
                #expect(message.contains(part), "\(message)")
            }
            #expect(!message.contains { $0.isNewline })
        }
    }

    /// Every attempt has a signature of its own, which verifies at its own date; the invocation stays the same.
    @Test func aFreshSignatureForEachAttempt() async throws {
        try await withServer { _, number in
            number < 2 ? .answer(503, headers: [("Retry-After", "1")]) : good
        } _: { lookup, server in
            let outcome = try await lookup.lookUp("jane@example.com", call: LookupCall())
            #expect(outcome.words == "found 1")
            let seen = server.seen
            #expect(seen.count == 3)
            #expect(Set(seen.compactMap { $0.header("x-amz-date") }).count == 3)
            #expect(Set(seen.compactMap { $0.header("authorization") }).count == 3)
            for request in seen {
                let header = try AuthorizationHeader(parsing: try #require(request.header("authorization")))
                let date = try #require(request.header("x-amz-date").flatMap { SigningTime($0) })
                let expected = SignatureVerification.expectedSignature(
                    of: header, method: "GET", target: request.target,
                    headers: request.headers.map { SigningHeader($0.name, $0.value) },
                    credentials: SigningCredentials(accessKeyID: "AKID", secretAccessKey: "secret"), at: date,
                    keys: SigningKeyCache())
                #expect(expected.signature == header.signature)
            }
        }
    }

    @Test(arguments: [("ExpiredTokenException", 403), ("ExpiredToken", 400), ("RequestExpired", 400)])
    func expiredCredentialsAreRenewedOnce(code: String, status: Int) async throws {
        let renewals = Mutex(0)
        let old = SigningCredentials(accessKeyID: "OLD", secretAccessKey: "secret", sessionToken: "t1")
        let new = SigningCredentials(accessKeyID: "NEW", secretAccessKey: "secret", sessionToken: "t2")
        let provider = CredentialProvider { rejected in
            guard rejected == old else { return renewals.withLock { $0 } > 0 ? new : old }
            renewals.withLock { $0 += 1 }
            return new
        }
        try await withServer(
            { request, _ in
                if request.header("x-amz-security-token") == "t2" { return good }
                return .answer(status, headers: [("x-amzn-ErrorType", code)], body: #"{"Message":"expired"}"#)
            }, credentials: provider
        ) { lookup, server in
            let outcome = try await lookup.lookUp("u", call: LookupCall())
            #expect(outcome.words == "found 1")
            #expect(server.seen.compactMap { $0.header("x-amz-security-token") } == ["t1", "t2"])
        }
    }
}
