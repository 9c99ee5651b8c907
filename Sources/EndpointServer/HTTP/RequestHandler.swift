internal import AWSSigning
internal import NIOCore
internal import NIOHTTP1

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// Answers the requests of one connection, one after the other: the pipelining handler before it holds the next one back.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let service: EndpointService
    private let deadline: ConnectionDeadline
    private var head: HTTPRequestHead?
    /// Nil once it is more than `largestBody`.
    private var body: [UInt8]? = []
    private var answers = AnswerBody()
    private var requestIDs = SplitMix64(seed: .random(in: .min ... .max))
    private var date = (second: Int.min, text: "")
    private var pending: Scheduled<Void>?

    /// GETs carry no body; one that does is hashed for its signature up to this size.
    private static let largestBody = 64 * 1024

    init(_ service: EndpointService, _ deadline: ConnectionDeadline) {
        self.service = service
        self.deadline = deadline
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let buffer):
            if let size = body?.count, size + buffer.readableBytes <= Self.largestBody {
                body?.append(contentsOf: buffer.readableBytesView)
            } else {
                body = nil
            }
        case .end:
            guard let head else { return }
            self.head = nil
            deadline.requestEnded()
            let decision = service.decide(head, body: body, now: WallClock.unixSeconds)
            guard decision.delay > .zero else { return send(decision, to: head, context) }
            schedule(in: decision.delay, context) { handler, context in handler.send(decision, to: head, context) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        pending?.cancel()
        pending = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The client went away, or sent what isn't HTTP; the handler before this one has answered the latter.
        context.close(promise: nil)
    }

    private func schedule(
        in delay: TimeAmount, _ context: ChannelHandlerContext,
        _ action: @escaping (RequestHandler, ChannelHandlerContext) -> Void
    ) {
        pending = context.eventLoop.assumeIsolated().scheduleTask(in: delay) {
            self.pending = nil
            guard context.channel.isActive else { return }
            action(self, context)
        }
    }

    private func send(
        _ decision: EndpointService.Decision, to request: HTTPRequestHead, _ context: ChannelHandlerContext
    ) {
        if case .reset = decision.damage { return reset(context) }
        let head = responseHead(decision.answer, to: request)
        let keepsAlive = request.isKeepAlive
        context.write(wrapOutboundOut(.head(head.head)), promise: nil)
        let buffer = request.method == .HEAD ? ByteBuffer() : context.channel.allocator.buffer(bytes: head.body)
        let half = buffer.readableBytes / 2
        switch decision.damage {
        case nil, .reset: finish(buffer, keepsAlive: keepsAlive, context)
        case .truncate:
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(prefix(buffer, half)))))
                .assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        case .stall(let pause):
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(prefix(buffer, half)))), promise: nil)
            var rest = buffer
            rest.moveReaderIndex(forwardBy: half)
            schedule(in: pause, context) { [rest] handler, context in
                handler.finish(rest, keepsAlive: keepsAlive, context)
            }
        }
    }

    private func prefix(_ buffer: ByteBuffer, _ length: Int) -> ByteBuffer {
        buffer.getSlice(at: buffer.readerIndex, length: length) ?? ByteBuffer()
    }

    private func finish(_ body: ByteBuffer, keepsAlive: Bool, _ context: ChannelHandlerContext) {
        if body.readableBytes > 0 { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        deadline.answerBegan(context)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { [deadline] _ in
            guard keepsAlive else { return context.close(promise: nil) }
            deadline.answerEnded(context)
        }
    }

    /// Closes with a linger time of zero, which sends RST instead of FIN.
    private func reset(_ context: ChannelHandlerContext) {
        guard let socket = context.channel as? any SocketOptionProvider else { return context.close(promise: nil) }
        socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }

    private func responseHead(_ answer: Answer, to request: HTTPRequestHead) -> (head: HTTPResponseHead, body: [UInt8])
    {
        var id = JSONText()
        id.hexadecimal(requestIDs.next(), digits: 16)
        id.hexadecimal(requestIDs.next(), digits: 16)
        let requestID = String(decoding: id.bytes, as: UTF8.self)
        let (body, type) = answers.write(answer, requestID: requestID, seed: service.seed)
        var headers = HTTPHeaders()
        headers.reserveCapacity(6)
        headers.add(name: "Content-Type", value: type)
        headers.add(name: "Content-Length", value: String(body.count))
        headers.add(name: "Date", value: currentDate())
        var status = HTTPResponseStatus.ok
        switch answer {
        case .error(let error):
            status = HTTPResponseStatus(statusCode: error.status)
            headers.add(name: "x-amzn-ErrorType", value: errorType(error.code, request.uri))
            if error.status == 405 { headers.add(name: "Allow", value: "GET") }
            headers.add(name: "x-amzn-RequestId", value: requestID)
        case .wrongPath: status = .notFound
        case .endpoints, .large, .body, .html: headers.add(name: "x-amzn-RequestId", value: requestID)
        }
        if !request.isKeepAlive { headers.add(name: "Connection", value: "close") }
        return (HTTPResponseHead(version: .http1_1, status: status, headers: headers), body)
    }

    /// The code mostly stands alone; for some requests in one of the two longer forms that services send as well.
    private func errorType(_ code: String, _ target: String) -> String {
        switch stableHash(target.utf8, seed: service.seed, salt: 4) & 7 {
        case 0: "\(code):http://internal.amazon.com/coral/com.amazonaws.mobiletargeting/"
        case 1: "com.amazonaws.mobiletargeting#\(code)"
        default: code
        }
    }

    private func currentDate() -> String {
        let now = WallClock.unixSeconds
        if date.second != now { date = (now, HTTPDate.text(unixSeconds: now)) }
        return date.text
    }
}
