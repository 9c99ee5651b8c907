import EndpointServer
import Glibc
import Testing

/// A connection that keeps the server waiting is closed; one that doesn't, isn't.
@Suite(.timeLimit(.minutes(1))) struct ConnectionDeadlineTests {
    static let request = "GET /v1/apps/a/users/user-000001 HTTP/1.1\r\nHost: a\r\n\r\n"

    static func server(request: Duration, idle: Duration, latency: Duration = .zero) async throws -> RunningServer {
        var configuration = EndpointServer.Configuration(population: SyntheticPopulation(users: 10, seed: 1))
        configuration.timeouts.request = request
        configuration.timeouts.idle = idle
        configuration.latency = latency
        return try await EndpointServer.start(configuration)
    }

    /// What a connection reads until the server closes it, while it sends one byte of `trickle` each 20 ms.
    static func conversation(_ port: Int, _ first: String, trickle: String = "") throws -> String {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(file) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(status == 0)
        _ = send(file, first, first.utf8.count, Int32(MSG_NOSIGNAL))
        var rest = Array(trickle.utf8)[...]
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            var waiting = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, 20)
            if ready > 0 {
                let count = recv(file, &buffer, buffer.count, 0)
                guard count > 0 else { break }
                answer += buffer[..<count]
            } else if let byte = rest.popFirst() {
                var byte = byte
                _ = send(file, &byte, 1, Int32(MSG_NOSIGNAL))
            }
        }
        return String(decoding: answer, as: UTF8.self)
    }

    /// A head that isn't finished in time, however steadily it comes.
    @Test(arguments: ["", String(repeating: "x", count: 100_000)]) func unfinishedHead(trickle: String) async throws {
        let server = try await Self.server(request: .milliseconds(300), idle: .seconds(3600))
        let head = "GET /v1/apps/a/users/user-000001 HTTP/1.1\r\nX: "
        let answer = try Self.conversation(server.port, head, trickle: trickle)
        #expect(answer.isEmpty)
        await server.stop()
    }

    /// An idle connection, before the first request and behind an answer.
    @Test func requireNothingPrepared() async throws {
        let server = try await Self.server(request: .seconds(3600), idle: .milliseconds(300))
        #expect(try Self.conversation(server.port, "").isEmpty)
        #expect(try Self.conversation(server.port, Self.request).hasPrefix("HTTP/1.1 200 "))
        await server.stop()
    }

    /// Neither time runs while the server is at work, and a second request that came with the first one is answered too.
    @Test func slowAnswers() async throws {
        let server = try await Self.server(
            request: .milliseconds(300), idle: .milliseconds(300), latency: .milliseconds(700))
        let answer = try Self.conversation(server.port, Self.request + Self.request)
        #expect(answer.split(separator: "HTTP/1.1 200 ", omittingEmptySubsequences: true).count == 2)
        await server.stop()
    }
}
