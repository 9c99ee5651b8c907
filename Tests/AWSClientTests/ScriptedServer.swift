import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// What the server does with one request.
enum ServerAction: Sendable {
    case answer(Int, headers: [(String, String)] = [], body: String = "")
    /// After a delay in seconds.
    indirect case late(Double, ServerAction)
    /// Closes the connection without an answer.
    case reset
    /// A body shorter than its Content-Length, then the end.
    case truncated(String)
    /// Half of a body, and then nothing.
    case stalledBody(String)
    case silence
}

/// What the server saw of one request.
struct SeenRequest: Sendable {
    var method: String
    /// As it came over the wire.
    var target: String
    var headers: [(name: String, value: String)]
    var body = ""

    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }
}

/// A server on a free loopback port whose answers a test decides on.
final class ScriptedServer: Sendable {
    private let channel: any Channel
    private let seenRequests: SeenRequests
    let port: Int

    private final class SeenRequests: Sendable {
        let all = Mutex<[SeenRequest]>([])
    }

    init(
        port: Int = 0, _ script: @escaping @Sendable (SeenRequest, _ number: Int) -> ServerAction
    ) async throws {
        let seen = SeenRequests()
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(
                        ScriptHandler { request in
                            let number = seen.all.withLock { all in
                                all.append(request)
                                return all.count - 1
                            }
                            return script(request, number)
                        })
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        seenRequests = seen
        self.port = channel.localAddress?.port ?? 0
    }

    var url: String { "http://127.0.0.1:\(port)" }
    var seen: [SeenRequest] { seenRequests.all.withLock { $0 } }
    func close() async { try? await channel.close() }
}

private final class ScriptHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let script: @Sendable (SeenRequest) -> ServerAction
    private var head: HTTPRequestHead?
    private var body = ""

    init(_ script: @escaping @Sendable (SeenRequest) -> ServerAction) { self.script = script }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = ""
        case .body(let part): body += String(buffer: part)
        case .end:
            guard let head else { return }
            let request = SeenRequest(
                method: head.method.rawValue, target: head.uri,
                headers: head.headers.map { (name: $0.name, value: $0.value) }, body: body)
            perform(script(request), context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func perform(_ action: ServerAction, _ context: ChannelHandlerContext) {
        switch action {
        case .answer(let status, let headers, let body):
            send(context, status: status, headers: headers, length: body.utf8.count, body: body)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        case .late(let seconds, let action):
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: .nanoseconds(Int64(seconds * 1e9))) {
                bound.value.0.perform(action, bound.value.1)
            }
        case .reset: context.close(promise: nil)
        case .truncated(let body):
            send(context, status: 200, headers: [], length: body.utf8.count + 100, body: body)
            context.flush()
            context.close(promise: nil)
        case .stalledBody(let body):
            send(context, status: 200, headers: [], length: body.utf8.count + 100, body: body)
            context.flush()
        case .silence: break
        }
    }

    private func send(
        _ context: ChannelHandlerContext, status: Int, headers: [(String, String)], length: Int, body: String
    ) {
        var fields = HTTPHeaders(headers)
        fields.add(name: "Content-Length", value: String(length))
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: fields)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
    }
}
