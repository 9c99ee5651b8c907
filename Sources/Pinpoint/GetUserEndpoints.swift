public import AWSClient
public import PipelineCore
internal import Synchronization

/// Asks Amazon Pinpoint, or whatever speaks its language, for the endpoints of one user after another.
public final class GetUserEndpoints: UserLookup {
    /// The service's name in a signature's scope.
    public static let signingName = "mobiletargeting"
    /// So many users in a row may be answered with what isn't the service's own, and the run stops.
    public static let malformedUsersLimit = 20

    public let applicationID: String
    private let client: ServiceClient
    private let pathPrefix: String
    private let logsUserIDs: Bool
    private let malformed = Mutex(MalformedStreak())

    /// - Parameters:
    ///   - logsUserIDs: plain user IDs in debug messages, instead of hashes.
    public init(applicationID: String, client: ServiceClient, logsUserIDs: Bool = false) {
        self.applicationID = applicationID
        self.client = client
        self.logsUserIDs = logsUserIDs
        pathPrefix = "/v1/apps/\(PathSegment.encode(applicationID))/users/"
    }

    public func lookUp(_ userID: String, call: LookupCall) async throws -> Outcome {
        if let failure = Self.unaskable(userID) { return .failed(failure) }
        let segment = PathSegment.encode(userID)
        let reply: Reply<Found>
        do {
            reply = try await client.get(
                pathPrefix + segment, countsThrottling: call.isAmongTheLast,
                label: { logsUserIDs ? PrintableText.of(userID) : LogDigest.text(userID) },
                onSend: { call.markSent() },
                classify: { judge($0, $1, call, userID: userID, segment: segment) })
        } catch let error as ServiceClientError {
            throw RunStop.error(for: error, endpoint: client.configuration.endpoint)
        }
        switch reply {
        case .value(.endpoints(let tape)): return .found(tape)
        case .value(.noSuchUser): return .absent
        case .denied(let fault) where fault.code == AnswerClassification.malformedCode:
            throw RunStop.malformedAnswers(
                fault, areRefusals: malformed.withLock { $0.areRefusals }, endpoint: client.configuration.endpoint)
        case .denied(let fault): throw RunStop.error(for: fault, applicationID: applicationID)
        case .failed(let fault):
            return .failed(
                RecordFailure(
                    status: fault.status, code: fault.code, message: "\(fault.message) (\(fault.lastingEffort))",
                    requestID: fault.requestID, attempts: fault.attempts))
        }
    }

    public func check() async throws -> [CheckFinding] {
        do { _ = try await client.credentials.credentials() } catch let error as CredentialError {
            throw RunStop.error(for: .credentials(error), endpoint: client.configuration.endpoint)
        }
        let origin = client.credentials.origin
        var message = "from \(origin?.source ?? "the configuration")"
        if let passedOver = origin?.passedOver, !passedOver.isEmpty {
            message += " (\(passedOver.joined(separator: "; ")))"
        }
        return [.ok("\(message); calls go to \(client.configuration.endpoint.authority)")]
    }

    public var isHeld: Bool { client.isHeld }

    public func isInDoubt(_ userID: String) -> Bool { malformed.withLock { $0.holds(userID) } }

    public var statistics: LookupStatistics {
        let attempts = client.statistics
        var statistics = LookupStatistics()
        statistics.requests = attempts.requests
        statistics.retries = attempts.retries
        statistics.throttled = attempts.throttled
        statistics.allowedRate = attempts.allowedRate
        statistics.foundRate = attempts.learnedRate
        statistics.latency = attempts.latency
        statistics.hold = attempts.hold
        return statistics
    }

    public var state: String? {
        guard let rate = client.statistics.learnedRate else { return nil }
        var writer = JSONWriter()
        writer.object {
            $0.key("learned_requests_per_second")
            $0.value((rate * 1000).rounded() / 1000)
        }
        return writer.text
    }

    public func restore(state: String) {
        guard let tape = try? JSONTape(decoding: Array(state.utf8)),
            let rate = tape.root["learned_requests_per_second"]?.double
        else { return }
        client.restore(learnedRate: rate)
    }

    public func shutdown() async { await client.shutdown() }

    /// What an answer means, and whether it is one of too many that aren't the service's.
    private func judge(
        _ answer: HTTPAnswer, _ echo: EchoRedaction, _ call: LookupCall, userID: String, segment: String
    ) -> Verdict<Found> {
        let verdict = AnswerClassification.verdict(
            on: answer, withoutID: { Redaction.text($0, without: userID, encoded: segment) },
            hide: { Redaction.text(echo.hide($0), without: userID, encoded: segment) })
        switch verdict {
        case .value, .failed: malformed.withLock { $0.end() }
        case .retry(let fault) where fault.code == AnswerClassification.malformedCode:
            if malformed.withLock({ $0.note(userID, status: answer.status) }) { return .denied(fault) }
        case .throttled: call.markThrottled()
        case .retry, .denied: break
        }
        return verdict
    }

    /// IDs that would address another resource once the path is normalised: they are never sent.
    private static func unaskable(_ userID: String) -> RecordFailure? {
        switch userID {
        case "":
            RecordFailure(InputFault(code: .emptyUserID, message: "the user ID is empty", raw: []))
        case ".", "..":
            RecordFailure(
                InputFault(
                    code: .invalidUserID, message: "the user ID '\(userID)' would address another resource",
                    raw: Array(userID.utf8)))
        default: nil
        }
    }
}

/// Users in a row that were answered with something that isn't the service's.
private struct MalformedStreak {
    private var users: Set<String> = []
    /// All of these answers were 401 or 403.
    private(set) var areRefusals = true

    mutating func end() {
        guard !users.isEmpty else { return }
        users.removeAll()
        areRefusals = true
    }

    /// Returns true where there are too many.
    mutating func note(_ userID: String, status: Int) -> Bool {
        users.insert(userID)
        if status != 401, status != 403 { areRefusals = false }
        return users.count >= GetUserEndpoints.malformedUsersLimit
    }

    func holds(_ userID: String) -> Bool { users.contains(userID) }
}
