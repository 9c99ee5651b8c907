import AWSClient
import Foundation
import NIOCore
import NIOHTTP1
import Pinpoint
import PipelineCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct TransportFailureTests {
    private static let peer = TransportFailure.Peer(host: "pinpoint.example")

    /// Whatever the words of an error say, its type and its number decide.
    @Test(arguments: [
        (ECONNREFUSED, TransportFailure.Kind.refused, "ConnectionFailed"), (ETIMEDOUT, .timeout, "Timeout"),
        (ECONNRESET, .connectionClosed, "ConnectionFailed"), (EPIPE, .connectionClosed, "ConnectionFailed"),
        (EHOSTUNREACH, .other, "ConnectionFailed"), (ENETUNREACH, .other, "ConnectionFailed"),
    ])
    func systemErrors(number: CInt, kind: TransportFailure.Kind, code: String) {
        let misleading = "CERTIFICATE_VERIFY_FAILED handshakeFailed noHostnameMatch"
        let failure = TransportFailure.sort(IOError(errnoCode: number, reason: misleading), Self.peer)
        #expect(failure.kind == kind)
        #expect(failure.code == code)
        #expect(!failure.message.contains("CERTIFICATE"))
    }

    private struct Foreign: Error, CustomStringConvertible {
        let description = "WRONG_VERSION_NUMBER CERTIFICATE_VERIFY_FAILED"
    }

    @Test func otherTypes() {
        let connect = TransportFailure.sort(ChannelError.connectTimeout(.seconds(1)), Self.peer)
        #expect(connect.kind == .timeout)
        let closed = TransportFailure.sort(ChannelError.ioOnClosedChannel, Self.peer)
        #expect(closed.kind == .connectionClosed)
        let parser = TransportFailure.sort(HTTPParserError.invalidConstant, Self.peer)
        #expect(parser.kind == .other && parser.message.contains("something else than HTTP"))
        let foreign = TransportFailure.sort(Foreign(), Self.peer)
        #expect(foreign.kind == .other && foreign.message.contains("Foreign"))
        let own = TransportFailure(.resolver, "as it is")
        let same = TransportFailure.sort(own, Self.peer)
        #expect(same == own)
    }

    /// The number of getaddrinfo decides; a label of 64 letters can't exist, so no network is needed to know it. With a
    /// proxy on the way, the proxy's name is the one that was looked up.
    @Test func namesThatDoNotResolve() throws {
        let host = String(repeating: "x", count: 64) + ".example"
        let error = try #require(throws: SocketAddressError.UnknownHost.self) {
            _ = try SocketAddress.makeAddressResolvingHost(host, port: 1)
        }
        try #require([-2, -5].contains(error.errorCode), "this resolver says \(error.errorCode)")
        let unknown = TransportFailure.sort(error, TransportFailure.Peer(host: host))
        #expect(unknown == TransportFailure(.unknownHost, "there is no host \(host)"))
        let proxied = TransportFailure.sort(
            error, TransportFailure.Peer(host: "pinpoint.example", proxy: "no-such-proxy.invalid"))
        #expect(proxied.message.contains("no-such-proxy.invalid"))
        var passing = error
        passing.errorCode = -3
        #expect(TransportFailure.sort(passing, TransportFailure.Peer(host: host)).kind == .resolver)
        #expect(TransportFailure.sort(passing, TransportFailure.Peer(host: host)).code == "HostNotFound")
    }

    /// What stands between this machine and those who hand out credentials is named as for any other request.
    @Test func credentialsNameTheProxyToo() async throws {
        // Nobody listens on the port of discard.
        let environment = ["HTTP_PROXY": "http://localhost:9"]
        let connections = try ConnectionSettings(ClientSettings(environment: environment, files: .folder([:])))
        let transport = CredentialTransport.network(connections, userAgent: "test")
        let request = CredentialRequest(
            "GET", try Endpoint("http://credentials.example"), "/", timeout: 5, usesProxy: true)
        let failure = await #expect(throws: TransportFailure.self) { try await transport.send(request) }
        #expect(failure?.kind == .refused)
        #expect(failure?.message == "the proxy localhost refused the connection")
    }

    @Test func refusalsNameTheProxy() {
        let failure = TransportFailure.sort(
            IOError(errnoCode: ECONNREFUSED, reason: "connect"),
            TransportFailure.Peer(host: "pinpoint.example", proxy: "proxy.example"))
        #expect(failure.kind == .refused)
        #expect(failure.message == "the proxy proxy.example refused the connection")
    }

    /// A port that speaks no TLS ends a run at once, as a certificate does that doesn't verify.
    @Test func noTLSAtThatPort() async throws {
        let server = try await ScriptedServer { _, _ in good }
        let lookup = try makeLookup("https://127.0.0.1:\(server.port)")
        let error = await #expect(throws: PipelineError.self) { _ = try await lookup.lookUp("u", call: LookupCall()) }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("TLS") == true, "\(error?.message ?? "")")
        #expect(lookup.statistics.requests == 1)
        await lookup.shutdown()
        await server.close()
    }

    /// Circuit and the table of codes know each kind.
    @Test func everyKindHasACode() {
        for kind: TransportFailure.Kind in [
            .timeout, .refused, .unknownHost, .resolver, .certificate, .untrusted, .handshake, .connectionClosed,
            .bodyTooLarge, .other,
        ] {
            let code = TransportFailure(kind, "").code
            #expect(FailureCode(rawValue: code)?.origin == .call, "\(code)")
        }
        #expect(ServiceFault.throttledCode == FailureCode.throttled.rawValue)
        #expect(TransportFailure(.handshake, "").circuitFailure == .certificate)
    }
}
