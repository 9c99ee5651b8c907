internal import NIOCore
internal import NIOHTTP1

/// Stands between a connection and HTTP's own handlers, and mends what these can't: several equal `Content-Length` headers,
/// or values of one, become one (RFC 9110, 8.6), and to a proxy that passes plain HTTP on, requests name the server in their first line.
final class WireRepair: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A longer head is passed on as it is; the parser has a limit of its own.
    private static let longestHead = 256 << 10

    /// `http://host:port`, put before each request's path; nil where the server itself is asked.
    private let origin: String?
    /// What came of a head so far; nil within a body.
    private var head: ByteBuffer?
    private var isWithinRequest = false

    init(origin: String?) { self.origin = origin }

    /// Puts itself before the handlers that a connection's pipeline has.
    static func install(in channel: any Channel, origin: String?) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let encoder = try pipeline.handler(type: HTTPRequestEncoder.self)
            try pipeline.addHandler(WireRepair(origin: origin), position: .before(encoder))
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var buffer = unwrapOutboundIn(data)
        // A request's head is written whole; these requests have no body, or one in writes of its own.
        if head == nil || !isWithinRequest {
            head = context.channel.allocator.buffer(capacity: 512)
            isWithinRequest = true
            if let origin, let blank = buffer.readableBytesView.firstIndex(of: UInt8(ascii: " ")) {
                let method = buffer.readableBytesView[...blank]
                var whole = context.channel.allocator.buffer(capacity: buffer.readableBytes + origin.utf8.count)
                whole.writeBytes(method)
                whole.writeString(origin)
                whole.writeBytes(buffer.readableBytesView[(blank + 1)...])
                buffer = whole
            }
        }
        context.write(wrapOutboundOut(buffer), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isWithinRequest = false
        var buffer = unwrapInboundIn(data)
        guard head != nil else { return context.fireChannelRead(data) }
        head?.writeBuffer(&buffer)
        while let (end, bytes) = wholeHead() {
            head?.moveReaderIndex(forwardBy: end)
            var out = context.channel.allocator.buffer(bytes: bytes)
            // Behind an interim answer (100, 103) another head comes.
            if bytes.starts(with: "HTTP/1.1 1".utf8) || bytes.starts(with: "HTTP/1.0 1".utf8) {
                context.fireChannelRead(wrapInboundOut(out))
                continue
            }
            if var rest = head { out.writeBuffer(&rest) }
            head = nil
            context.fireChannelRead(wrapInboundOut(out))
            return
        }
        if let whole = head, whole.readableBytes > Self.longestHead { passOn(context) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        passOn(context)
        context.fireChannelInactive()
    }

    private func passOn(_ context: ChannelHandlerContext) {
        guard let rest = head else { return }
        head = nil
        if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
    }

    /// The head's length as it came, and the head as it goes on; nil where it isn't whole yet.
    private func wholeHead() -> (length: Int, bytes: [UInt8])? {
        guard let head, head.readableBytes > 0 else { return nil }
        let view = Array(head.readableBytesView)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(view.count)
        var length: [UInt8]?
        var start = 0
        while let feed = view[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = view[start...feed]
            start = feed + 1
            if line.allSatisfy({ $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") }) {
                bytes += line
                return (start, bytes)
            }
            guard let value = Self.contentLength(line) else {
                bytes += line
                continue
            }
            if value == length { continue }
            length = length ?? value
            bytes += Array("Content-Length: ".utf8) + value + [13, 10]
        }
        return nil
    }

    /// The value of a line `Content-Length: …`.
    private static func contentLength(_ line: ArraySlice<UInt8>) -> [UInt8]? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
            String(decoding: line[..<colon], as: UTF8.self).lowercased() == "content-length"
        else { return nil }
        let value = line[(colon + 1)...].filter { ![UInt8(ascii: " "), UInt8(ascii: "\t"), 13, 10].contains($0) }
        let values = value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard let first = values.first, values.allSatisfy({ $0 == first }) else { return value }
        return Array(first)
    }
}
