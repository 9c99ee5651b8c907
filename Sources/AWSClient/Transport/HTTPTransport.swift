internal import AsyncHTTPClient
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization

/// GET over a pool of HTTP/1.1 connections to one endpoint.
final class HTTPTransport: Sendable {
    private enum Pool {
        case unused
        case open(HTTPClient)
        case closed
    }

    private let endpoint: Endpoint
    private let configuration: HTTPClient.Configuration
    /// Whom connections are made to: the endpoint's host, or a proxy.
    private let peer: TransportFailure.Peer
    /// `scheme://host:port` of what is connected to: the server, or a proxy that passes plain HTTP on.
    private let origin: String
    /// Logs in at such a proxy.
    private let proxyAuthorization: String?
    /// Made at first use: whoever only checks a configuration opens nothing and has nothing to close.
    private let pool = Mutex<Pool>(.unused)

    /// - Parameters:
    ///   - connections: as many as calls run at once.
    ///   - connectTimeout: in seconds.
    init(endpoint: Endpoint, connections: Int, connectTimeout: Double, settings: ConnectionSettings) {
        self.endpoint = endpoint
        var configuration = HTTPClient.Configuration()
        // A signed request must not be sent anywhere else.
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
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

    /// One attempt: the complete answer, or why there is none.
    ///
    /// - Parameters:
    ///   - target: path and query exactly as they go over the wire.
    ///   - timeout: seconds for connecting, head and body together.
    /// - Throws: `TransportFailure`, `CancellationError`.
    func get(_ target: String, headers: HTTPHeaders, timeout: Double) async throws -> HTTPAnswer {
        let client = try open()
        let request: HTTPClient.Request
        do {
            var headers = headers
            if let proxyAuthorization { headers.add(name: "Proxy-Authorization", value: proxyAuthorization) }
            request = try HTTPClient.Request(url: origin + target, method: .GET, headers: headers)
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

    /// Closes all connections; no call follows.
    func shutdown() async {
        let client: HTTPClient? = pool.withLock { pool in
            defer { pool = .closed }
            if case .open(let client) = pool { return client }
            return nil
        }
        try? await client?.shutdown()
    }

    private func open() throws -> HTTPClient {
        try pool.withLock { pool in
            switch pool {
            case .open(let client): return client
            case .closed: throw TransportFailure(.other, "the client is shut down")
            case .unused:
                let client = HTTPClient(
                    eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton),
                    configuration: configuration)
                pool = .open(client)
                return client
            }
        }
    }
}
