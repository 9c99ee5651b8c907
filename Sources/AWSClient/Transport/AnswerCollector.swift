internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// Gathers one answer on the connection's event loop, up to a bound.
final class AnswerCollector: HTTPClientResponseDelegate {
    typealias Response = HTTPAnswer

    struct BodyTooLarge: Error {}

    /// A user's endpoints are 225 KB at most; this bounds what a wrong address may make us read.
    static let bodyLimit = 64 << 20

    private struct State {
        var head: HTTPResponseHead?
        var body: [UInt8] = []
    }

    private let state = Mutex(State())

    func didReceiveHead(task: HTTPClient.Task<HTTPAnswer>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        let length = head.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
        guard length <= Self.bodyLimit else { return task.eventLoop.makeFailedFuture(BodyTooLarge()) }
        state.withLock {
            $0.head = head
            // Bounded, because the header is only a claim.
            $0.body.reserveCapacity(min(length, 1 << 20))
        }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<HTTPAnswer>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        let isTooLarge = state.withLock { state in
            if state.body.count + buffer.readableBytes > Self.bodyLimit { return true }
            buffer.withUnsafeReadableBytes { state.body.append(contentsOf: $0) }
            return false
        }
        if isTooLarge { return task.eventLoop.makeFailedFuture(BodyTooLarge()) }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<HTTPAnswer>) throws -> HTTPAnswer {
        let (head, body) = state.withLock { state in
            let body = state.body
            state.body = []
            return (state.head, body)
        }
        guard let head else { throw HTTPClientError.remoteConnectionClosed }
        return HTTPAnswer(
            status: Int(head.status.code), headers: head.headers.map { (name: $0.name, value: $0.value) }, body: body)
    }
}
