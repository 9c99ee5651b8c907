internal import AsyncHTTPClient
internal import NIOHTTP1

/// One request to whoever hands out credentials. Holds secrets: never printed.
package struct CredentialRequest: Sendable {
    package var method: String
    package var endpoint: Endpoint
    /// Path and query exactly as they go over the wire.
    package var target: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// Seconds from connecting to the last byte of the answer.
    package var timeout: Double
    /// Metadata services are never asked through a proxy.
    package var usesProxy: Bool

    package init(
        _ method: String, _ endpoint: Endpoint, _ target: String, headers: [(name: String, value: String)] = [],
        body: [UInt8] = [], timeout: Double, usesProxy: Bool
    ) {
        self.method = method
        self.endpoint = endpoint
        self.target = target
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.usesProxy = usesProxy
    }
}

/// Sends single requests: the network, or a test's own.
package struct CredentialTransport: Sendable {
    private let exchange: @Sendable (CredentialRequest) async throws -> HTTPAnswer

    package init(_ exchange: @escaping @Sendable (CredentialRequest) async throws -> HTTPAnswer) {
        self.exchange = exchange
    }

    /// - Throws: `TransportFailure`, `CancellationError`
    package func send(_ request: CredentialRequest) async throws -> HTTPAnswer { try await exchange(request) }

    /// True for answers of a service that is overloaded or away, or of whatever stands between it and us.
    static func isAway(_ status: Int) -> Bool { status >= 500 || [408, 421, 425, 429, 460, 499].contains(status) }

    /// As `send`, up to `attempts` times while the answer is worth another one: a failure of the transport, a
    /// status of a service that is away, or what `isTransient` says.
    package func send(
        _ request: CredentialRequest, attempts: Int, isTransient: (HTTPAnswer) -> Bool = { _ in false }
    ) async throws -> HTTPAnswer {
        var attempt = 1
        while true {
            do {
                let answer = try await send(request)
                guard attempt < attempts, Self.isAway(answer.status) || isTransient(answer) else {
                    return answer
                }
            } catch let failure as TransportFailure {
                // A name that doesn't exist and a certificate that doesn't verify won't do so a second later.
                guard attempt < attempts, ![.unknownHost, .certificate, .untrusted].contains(failure.kind) else {
                    throw failure
                }
            }
            try await Task.sleep(for: .seconds(Double.random(in: 0..<1) * 0.1 * Double(1 << attempt)))
            attempt += 1
        }
    }

    /// A connection for each request: there are a few in an hour.
    package static func network(_ connections: ConnectionSettings, userAgent: String) -> CredentialTransport {
        CredentialTransport { request in
            let route = EndpointRoute(
                to: request.endpoint, connections: 1, connectTimeout: min(request.timeout, 3),
                settings: request.usesProxy ? connections : connections.withoutProxies)
            var headers = HTTPHeaders(request.headers.map { ($0.name, $0.value) })
            headers.replaceOrAdd(name: "Host", value: request.endpoint.authority)
            headers.replaceOrAdd(name: "User-Agent", value: userAgent)
            let client = route.makeClient()
            let result: Result<HTTPAnswer, any Error>
            do {
                result = .success(
                    try await route.send(
                        HTTPMethod(rawValue: request.method), request.target, headers: headers, body: request.body,
                        timeout: request.timeout, over: client))
            } catch {
                result = .failure(error)
            }
            try? await client.shutdown()
            return try result.get()
        }
    }
}
