internal import NIOCore

/// How long a connection may keep a server waiting, and what for.
///
/// A head counts from its first byte, so that a client that sends one byte now and then doesn't hold a connection for ever.
package struct ConnectionTimeouts: Sendable {
    /// From a request's first byte to its last.
    package var request = Duration.seconds(10)
    /// Without a request, and for a client that doesn't read its answer.
    package var idle = Duration.seconds(60)
}

/// Closes a connection that keeps the server waiting: for the rest of a request, for the next one, or to read an answer.
///
/// It stands before the HTTP decoder, where the first byte of a head is seen; `RequestHandler` says when a request is whole and when
/// its answer was written.
final class ConnectionDeadline: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private enum Phase { case idle, request, answer }

    private let timeouts: ConnectionTimeouts
    private var phase = Phase.idle
    /// Something came behind a request that is being answered: the next one has begun.
    private var hasMore = false
    /// Requests that are whole and not answered yet: with pipelining the next one is taken before the last answer has left.
    private var unanswered = 0
    private var expiry: Scheduled<Void>?

    init(_ timeouts: ConnectionTimeouts) { self.timeouts = timeouts }

    func channelActive(context: ChannelHandlerContext) {
        wait(.idle, context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch phase {
        case .idle: wait(.request, context)
        case .request: break
        case .answer: hasMore = true
        }
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        expiry?.cancel()
        expiry = nil
        context.fireChannelInactive()
    }

    /// A whole request was read: the server takes its time now.
    func requestEnded() {
        phase = .answer
        unanswered += 1
        hasMore = false
        expiry?.cancel()
        expiry = nil
    }

    /// All of the answer is on its way: it has to be read in the time of an idle connection.
    func answerBegan(_ context: ChannelHandlerContext) { arm(timeouts.idle, context) }

    /// The answer has left.
    func answerEnded(_ context: ChannelHandlerContext) {
        unanswered -= 1
        if unanswered == 0 { wait(hasMore ? .request : .idle, context) }
    }

    private func wait(_ next: Phase, _ context: ChannelHandlerContext) {
        phase = next
        arm(next == .request ? timeouts.request : timeouts.idle, context)
    }

    private func arm(_ time: Duration, _ context: ChannelHandlerContext) {
        expiry?.cancel()
        expiry = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) {
            context.close(promise: nil)
        }
    }
}
