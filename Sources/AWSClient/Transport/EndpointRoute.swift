internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// How requests reach one endpoint: the HTTP client's settings, the proxy on the way, and whom failures name.
struct EndpointRoute: Sendable {
    private let endpoint: Endpoint
    private let configuration: HTTPClient.Configuration
    /// Whom connections are made to: the endpoint's host, or a proxy.
    private let peer: TransportFailure.Peer
    /// `scheme://host:port` of what is connected to: the server, or a proxy that passes plain HTTP on.
    private let origin: String
    /// Logs in at such a proxy.
    private let proxyAuthorization: String?

    /// - Parameters:
    ///   - connections: as many as requests run at once.
    ///   - connectTimeout: in seconds.
    init(to endpoint: Endpoint, connections: Int, connectTimeout: Double, settings: ConnectionSettings) {
        self.endpoint = endpoint
        var configuration = HTTPClient.Configuration()
        // A request that is signed, or holds a secret, must not be sent anywhere else.
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        // Nobody listens to traces here, and a span for each request costs a twelfth of its time on the event loop.
        configuration.tracing.tracer = nil
        configuration.timeout = .init(connect: .nanoseconds(Int64(connectTimeout * 1e9)))
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        configuration.connectionPool.idleTimeout = .seconds(30)
        // The client would go on trying until the connect timeout; refused connections are our business.
        configuration.connectionPool.retryConnectionEstablishment = false
        settings.apply(to: &configuration, for: endpoint)
        origin = settings.origin(for: endpoint)
        proxyAuthorization = settings.forwardingProxy(for: endpoint)?.authorization
        peer = TransportFailure.Peer(host: endpoint.host, proxy: settings.proxy(for: endpoint)?.host)
        self.configuration = configuration
    }

    /// A client without connections yet; whoever makes it shuts it down.
    func makeClient() -> HTTPClient {
        HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration)
    }

    /// One attempt over a client of this route: the complete answer, or why there is none.
    ///
    /// - Parameters:
    ///   - target: path and query exactly as they go over the wire.
    ///   - timeout: seconds for connecting, head and body together.
    /// - Throws: `TransportFailure`, `CancellationError`.
    func send(
        _ method: HTTPMethod, _ target: String, headers: HTTPHeaders, body: [UInt8] = [], timeout: Double,
        over client: HTTPClient
    ) async throws -> HTTPAnswer {
        let request: HTTPClient.Request
        do {
            var headers = headers
            if let proxyAuthorization { headers.add(name: "Proxy-Authorization", value: proxyAuthorization) }
            request = try HTTPClient.Request(
                url: origin + target, method: method, headers: headers, body: body.isEmpty ? nil : .bytes(body))
        } catch {
            throw TransportFailure.sort(error, peer)
        }
        let task = client.execute(
            request: request, delegate: AnswerCollector(),
            deadline: .now() + .nanoseconds(Int64(max(timeout, 0.001) * 1e9)))
        do {
            return try await withTaskCancellationHandler {
                try ContentCoding.decode(await task.get())
            } onCancel: {
                task.cancel()
            }
        } catch {
            if Task.isCancelled { throw CancellationError() }
            let failure = TransportFailure.sort(error, peer)
            guard failure.kind == .untrusted else { throw failure }
            throw await CertificateDiagnosis.explain(failure, endpoint, configuration)
        }
    }
}
