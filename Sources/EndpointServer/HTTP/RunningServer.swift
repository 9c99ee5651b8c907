internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization

/// A server that accepts connections until it is stopped.
public final class RunningServer: Sendable {
    /// As configured.
    public let host: String
    /// The port it listens on, also where 0 was asked for.
    public let port: Int

    private let service: EndpointService
    private let group: MultiThreadedEventLoopGroup
    private let listener: any Channel
    private let connections: Connections
    private let stopping = Mutex<Task<Void, Never>?>(nil)

    /// How long `stop` waits for answers at hand.
    private static let grace = Duration.seconds(2)

    init(_ configuration: EndpointServer.Configuration) async throws {
        let service = EndpointService(configuration)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, configuration.threads))
        let connections = Connections()
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    connections.insert(channel)
                    try Self.configure(channel.pipeline.syncOperations, service, configuration.timeouts)
                }
            }
        do {
            listener = try await bootstrap.bind(host: configuration.host, port: configuration.port).get()
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        host = configuration.host
        port = listener.localAddress?.port ?? configuration.port
        self.service = service
        self.group = group
        self.connections = connections
    }

    /// `http://127.0.0.1:4100`
    public var url: String { host.contains(":") ? "http://[\(host)]:\(port)" : "http://\(host):\(port)" }

    public var statistics: EndpointServer.Statistics { service.statistics }

    /// Accepts no more connections, lets answers at hand finish for two seconds at most, and ends. Whoever calls it again waits for the
    /// same end.
    public func stop() async {
        let stopping = stopping.withLock { stopping in
            let task = stopping ?? Task { await end() }
            stopping = task
            return task
        }
        await stopping.value
    }

    private func end() async {
        try? await listener.close()
        connections.quiesce()
        let clock = ContinuousClock()
        let end = clock.now + Self.grace
        while !connections.isEmpty, clock.now < end {
            try? await Task.sleep(for: .milliseconds(5))
        }
        try? await group.shutdownGracefully()
    }

    private static func configure(
        _ pipeline: ChannelPipeline.SynchronousOperations, _ service: EndpointService, _ timeouts: ConnectionTimeouts
    ) throws {
        let deadline = ConnectionDeadline(timeouts)
        try pipeline.addHandler(deadline)
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 16 * 1024
        limits.maxHeaderListSize = 32 * 1024
        limits.maxHeaderFieldCount = 100
        var encoding = HTTPResponseEncoder.Configuration()
        encoding.automaticallySetFramingHeaders = false
        try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: true, withErrorHandling: true, withOutboundHeaderValidation: false,
            withEncoderConfiguration: encoding, withDecoderLimitConfiguration: limits)
        try pipeline.addHandler(RequestHandler(service, deadline))
    }
}

/// The connections that are open.
private final class Connections: Sendable {
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

    var isEmpty: Bool { channels.withLock { $0.isEmpty } }

    func insert(_ channel: any Channel) {
        let key = ObjectIdentifier(channel)
        channels.withLock { $0[key] = channel }
        channel.closeFuture.whenComplete { [self] _ in
            _ = channels.withLock { $0.removeValue(forKey: key) }
        }
    }

    /// Each connection ends behind the answer it is at, an idle one at once.
    func quiesce() {
        for channel in channels.withLock({ Array($0.values) }) {
            channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
    }
}
