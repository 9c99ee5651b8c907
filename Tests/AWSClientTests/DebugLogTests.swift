import AWSClient
import AWSSigning
import Foundation
import Logging
import Pinpoint
import PipelineCore
import Synchronization
import Testing

/// Keeps what is logged.
private final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func append(_ line: String) { lines.withLock { $0.append(line) } }

    func logger() -> Logger {
        var logger = Logger(label: "test") { _ in KeepingHandler(lines: self) }
        logger.logLevel = .trace
        return logger
    }
}

private struct KeepingHandler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        lines.append("\(event.level) \(event.message) \(fields.joined(separator: " "))")
    }
}

@Suite(.timeLimit(.minutes(1))) struct DebugLogTests {
    private static let user = "jane.doe+ü@private.example"
    /// Of `printf %s 'jane.doe+ü@private.example' | sha256sum`.
    private static let digest = "0c8cf55b62dd"
    private static let credentials = SigningCredentials(
        accessKeyID: "AKIDLOGTEST", secretAccessKey: "s3cret/key+", sessionToken: "t0ken/with+signs==")

    /// What the service could repeat of a request: all of it.
    private static func echo(_ request: SeenRequest) -> String {
        let lines = [request.target] + request.headers.map { "\($0.name): \($0.value)" }
        return lines.joined(separator: " ")
    }

    /// As bytes of a JSON string, with every slash escaped as some servers do.
    private static func body(_ text: String) -> String {
        #"{"Message":"\#(text.replacingOccurrences(of: "/", with: "\\/"))"}"#
    }

    private static func holdsNothingPrivate(_ text: String, _ requests: [SeenRequest]) {
        var forbidden = [
            credentials.secretAccessKey, credentials.sessionToken ?? "-", credentials.accessKeyID, user, "jane.doe",
            "private.example", "%2B%C3%BC", "%2b%c3%bc", "%252B", "e1-address@example.com",
        ]
        for request in requests {
            let header = request.header("authorization").flatMap { try? AuthorizationHeader(parsing: $0) }
            forbidden.append(header?.signature ?? "no signature was sent")
        }
        for word in forbidden { #expect(!text.contains(word), "\(word) stands in: \(text)") }
    }

    @Test func attemptsAreLoggedWithoutAnythingPrivate() async throws {
        let lines = LogLines()
        try await withServer(
            { request, number in
                switch number {
                case 0: .answer(429, headers: [("x-amzn-RequestId", "req-0")], body: Self.body(Self.echo(request)))
                case 1:
                    .answer(
                        500,
                        headers: [("x-amzn-RequestId", "req-1"), ("x-amzn-ErrorType", "Trouble with \(Self.user)")],
                        body: Self.body(Self.echo(request)))
                case 2: .reset
                case 3: .answer(200, headers: [("x-amzn-RequestId", "req-3")], body: "<html>" + Self.echo(request))
                default:
                    .answer(
                        200, headers: [("x-amzn-RequestId", "req-4")],
                        body: #"{"Item":[{"Id":"e1","Address":"e1-address@example.com"}]}"#)
                }
            }, retry: RetryPolicy(maxAttempts: 8, maxDelay: 0.01, deadline: 20, outage: 20),
            credentials: .fixed(Self.credentials), logger: lines.logger()
        ) { lookup, server in
            let outcome = try await lookup.lookUp(Self.user, call: LookupCall())
            #expect(outcome.words == "found 1")
            let all = lines.all
            Self.holdsNothingPrivate(all.joined(separator: "\n"), server.seen)
            #expect(all.count == 5, "one line for each attempt")
            for (index, words) in [
                ["code=HTTP429", "status=429", "request_id=req-0"], ["code=HTTP500", "status=500", "request_id=req-1"],
                ["code=ConnectionFailed"], ["code=MalformedResponse", "status=200", "request_id=req-3"],
                ["attempt answered", "status=200", "request_id=req-4"],
            ].enumerated() where index < all.count {
                for word in words + ["attempt=\(index + 1) ", "call=\(Self.digest)", "elapsed_ms="] {
                    #expect(all[index].contains(word), "\(word) is missing in: \(all[index])")
                }
            }
        }
    }

    /// What ends in a user's failure, or ends the run, is as clean.
    @Test(arguments: [
        (400, "BadRequestException"), (403, "IncompleteSignatureException"), (500, "InternalServerError"),
    ])
    func messagesAreClean(status: Int, code: String) async throws {
        let lines = LogLines()
        try await withServer(
            { request, _ in
                .answer(
                    status, headers: [("x-amzn-ErrorType", code), ("x-amzn-RequestId", Self.user)],
                    body: Self.body("Refused: \(Self.echo(request))\\n\\nThe Canonical String was 'GET"))
            }, credentials: .fixed(Self.credentials), logger: lines.logger()
        ) { lookup, server in
            var text = ""
            do {
                let outcome = try await lookup.lookUp(Self.user, call: LookupCall())
                if case .failed(let failure) = outcome {
                    #expect(failure.status == status && failure.code == code)
                    text = "\(failure.message) \(failure.requestID ?? "")"
                }
            } catch let error as PipelineError {
                text = "\(error)"
            }
            #expect(text.contains("Refused"))
            #expect(!text.contains("Canonical String"))
            Self.holdsNothingPrivate(([text] + lines.all).joined(separator: "\n"), server.seen)
        }
    }
}
