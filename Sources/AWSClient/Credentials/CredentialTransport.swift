internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

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
            var configuration = HTTPClient.Configuration()
            configuration.redirectConfiguration = .disallow
            configuration.httpVersion = .http1Only
            configuration.timeout = .init(connect: .nanoseconds(Int64(min(request.timeout, 3) * 1e9)))
            configuration.connectionPool.retryConnectionEstablishment = false
            let connections = request.usesProxy ? connections : connections.withoutProxies
            connections.apply(to: &configuration, for: request.endpoint)
            let client = HTTPClient(
                eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration)
            let result: Result<HTTPAnswer, any Error>
            do {
                result = .success(
                    try await exchange(
                        request, client, origin: connections.origin(for: request.endpoint),
                        proxyAuthorization: connections.forwardingProxy(for: request.endpoint)?.authorization,
                        userAgent: userAgent))
            } catch let failure as TransportFailure where failure.kind == .untrusted {
                result = .failure(await CertificateDiagnosis.explain(failure, request.endpoint, configuration))
            } catch {
                result = .failure(error)
            }
            try? await client.shutdown()
            return try result.get()
        }
    }

    private static func exchange(
        _ request: CredentialRequest, _ client: HTTPClient, origin: String, proxyAuthorization: String?,
        userAgent: String
    ) async throws -> HTTPAnswer {
        var headers = HTTPHeaders(request.headers.map { ($0.name, $0.value) })
        headers.replaceOrAdd(name: "Host", value: request.endpoint.authority)
        headers.replaceOrAdd(name: "User-Agent", value: userAgent)
        if let proxyAuthorization { headers.add(name: "Proxy-Authorization", value: proxyAuthorization) }
        let message = try HTTPClient.Request(
            url: origin + request.target,
            method: HTTPMethod(rawValue: request.method), headers: headers,
            body: request.body.isEmpty ? nil : .bytes(request.body))
        let task = client.execute(
            request: message, delegate: AnswerCollector(),
            deadline: .now() + .nanoseconds(Int64(request.timeout * 1e9)))
        do {
            return try await withTaskCancellationHandler {
                try ContentCoding.decode(await task.get())
            } onCancel: {
                task.cancel()
            }
        } catch {
            if Task.isCancelled { throw CancellationError() }
            throw await TransportFailure.sort(error, host: request.endpoint.host)
        }
    }
}
