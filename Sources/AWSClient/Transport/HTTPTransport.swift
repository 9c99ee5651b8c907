internal import AsyncHTTPClient
internal import NIOHTTP1
internal import Synchronization

/// GET over a pool of HTTP/1.1 connections to one endpoint.
final class HTTPTransport: Sendable {
    private enum Pool {
        case unused
        case open(HTTPClient)
        case closed
    }

    private let route: EndpointRoute
    /// Made at first use: whoever only checks a configuration opens nothing and has nothing to close.
    private let pool = Mutex<Pool>(.unused)

    init(_ route: EndpointRoute) { self.route = route }

    /// One attempt; see `EndpointRoute.send`.
    func get(_ target: String, headers: HTTPHeaders, timeout: Double) async throws -> HTTPAnswer {
        try await route.send(.GET, target, headers: headers, timeout: timeout, over: open())
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
                let client = route.makeClient()
                pool = .open(client)
                return client
            }
        }
    }
}
