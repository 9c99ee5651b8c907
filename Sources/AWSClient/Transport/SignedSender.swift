internal import AWSSigning
internal import NIOHTTP1

/// Sends single attempts, each with a signature of its own. The key derived for a day is kept between them.
final class SignedSender: Sendable {
    private let endpoint: Endpoint
    private let userAgent: String
    private let signer: RequestSigner
    private let transport: HTTPTransport

    init(_ configuration: ServiceConfiguration) {
        endpoint = configuration.endpoint
        userAgent = configuration.userAgent
        signer = RequestSigner(region: configuration.region, service: configuration.signingName)
        transport = HTTPTransport(
            EndpointRoute(
                to: configuration.endpoint, connections: configuration.concurrency,
                connectTimeout: configuration.connectTimeout, settings: configuration.connections))
    }

    /// One attempt.
    ///
    /// - Parameters:
    ///   - path: behind the endpoint's prefix, as it goes over the wire.
    ///   - timeout: seconds for connecting, head and body together.
    /// - Returns: the answer as it came, and what takes the secrets of this request out of texts that it holds.
    /// - Throws: `TransportFailure`, `CancellationError`.
    func get(
        _ path: String, call: CallProgress, signing: Mending, timeout: Double
    ) async throws -> (answer: HTTPAnswer, echo: EchoRedaction) {
        guard let key = signing.key else { throw TransportFailure(.other, "there are no credentials to sign with") }
        let target = endpoint.pathPrefix + path
        let signature = signer.sign(
            method: "GET", target: target, headers: [SigningHeader("host", endpoint.authority)], credentials: key,
            at: SigningTime(unixSeconds: WallClock.unixSeconds + signing.clockSkew))
        var headers = HTTPHeaders()
        headers.reserveCapacity(8)
        headers.add(name: "Host", value: endpoint.authority)
        headers.add(name: "User-Agent", value: userAgent)
        headers.add(name: "Accept", value: "application/json")
        headers.add(name: "amz-sdk-invocation-id", value: call.invocationID)
        headers.add(name: "amz-sdk-request", value: "attempt=\(call.attempts); max=\(call.retry.maxAttempts)")
        headers.add(name: "X-Amz-Date", value: signature.date)
        if let token = signature.sessionToken { headers.add(name: "X-Amz-Security-Token", value: token) }
        headers.add(name: "Authorization", value: signature.authorization)
        let answer = try await transport.get(target, headers: headers, timeout: timeout)
        return (answer, EchoRedaction(key, signature.authorization))
    }

    /// Closes all connections; no call follows.
    func shutdown() async { await transport.shutdown() }
}
