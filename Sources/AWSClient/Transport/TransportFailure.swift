internal import AsyncHTTPClient
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Why an attempt brought no answer.
package struct TransportFailure: Error, Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case timeout
        case refused
        case unknownHost
        /// The resolver failed, but may succeed later.
        case resolver
        case certificate
        /// The connection ended in the middle of an answer, or in front of it.
        case connectionClosed
        case bodyTooLarge
        case other
    }

    package let kind: Kind
    /// For a person; holds no path and no header.
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// The code in the `failures` table.
    package var code: String {
        switch kind {
        case .timeout: "Timeout"
        case .bodyTooLarge: "BodyTooLarge"
        case .certificate: "CertificateInvalid"
        case .unknownHost, .resolver: "HostNotFound"
        case .refused, .connectionClosed, .other: "ConnectionFailed"
        }
    }

    /// What the circuit makes of it.
    package var circuitFailure: Circuit.Failure {
        switch kind {
        case .timeout: .timeout
        case .refused: .refused
        case .unknownHost: .unknownHost
        case .certificate: .certificate
        case .resolver, .connectionClosed, .bodyTooLarge, .other: .other
        }
    }

    /// Sorts what the HTTP client threw. A name that didn't resolve is asked for once more, because the client doesn't
    /// say whether it doesn't exist or the resolver had a problem.
    static func sort(_ error: any Error, host: String) async -> TransportFailure {
        if error is AnswerCollector.BodyTooLarge {
            return TransportFailure(.bodyTooLarge, "the answer is larger than \(AnswerCollector.bodyLimit >> 20) MiB")
        }
        if let error = error as? HTTPClientError { return sort(error) }
        if let error = error as? NIOConnectionError {
            if let first = error.connectionErrors.first { return sort(connecting: first.error, host: host) }
            return await resolve(host)
        }
        if error is SocketAddressError { return await resolve(host) }
        return sort(connecting: error, host: host)
    }

    private static func sort(_ error: HTTPClientError) -> TransportFailure {
        switch error {
        case .deadlineExceeded, .readTimeout, .writeTimeout:
            TransportFailure(.timeout, "no complete answer in time")
        case .connectTimeout, .tlsHandshakeTimeout, .httpProxyHandshakeTimeout, .socksHandshakeTimeout,
            .getConnectionFromPoolTimeout:
            TransportFailure(.timeout, "no connection in time")
        case .remoteConnectionClosed, .uncleanShutdown:
            TransportFailure(.connectionClosed, "the connection was closed before the answer was complete")
        default: TransportFailure(.other, error.shortDescription)
        }
    }

    private static func sort(connecting error: any Error, host: String) -> TransportFailure {
        if let error = error as? IOError {
            switch error.errnoCode {
            case ECONNREFUSED: return TransportFailure(.refused, "\(host) refused the connection")
            case ETIMEDOUT: return TransportFailure(.timeout, "\(host) didn't answer in time")
            case ECONNRESET, EPIPE: return TransportFailure(.connectionClosed, "the connection was reset")
            default: return TransportFailure(.other, "\(host): \(reason(error.errnoCode))")
            }
        }
        if case ChannelError.connectTimeout? = error as? ChannelError {
            return TransportFailure(.timeout, "no connection to \(host) in time")
        }
        // TLS errors are of a module that is this one's only through the HTTP client.
        let text = String(describing: error)
        if text.contains("CERTIFICATE_VERIFY_FAILED") || text.contains("unableToValidateCertificate") {
            return TransportFailure(.certificate, "the certificate of \(host) doesn't verify")
        }
        if text.contains("noHostnameMatch") || text.contains("failedToVerify") || text.contains("HostnameMatch") {
            return TransportFailure(.certificate, "the certificate of \(host) is for another host")
        }
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
            return TransportFailure(.other, "\(host) doesn't speak TLS at that port; is it an http:// address?")
        }
        if text.contains("handshakeFailed") { return TransportFailure(.other, "the TLS handshake with \(host) failed") }
        if error is HTTPParserError {
            return TransportFailure(.other, "\(host) answered with something else than HTTP")
        }
        return TransportFailure(.other, "\(host): the connection failed (\(type(of: error)))")
    }

    private static func reason(_ code: CInt) -> String { String(cString: strerror(code)) }

    private static func resolve(_ host: String) async -> TransportFailure {
        let code = try? await NIOThreadPool.singleton.runIfActive {
            var hints = addrinfo()
            hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
            var result: UnsafeMutablePointer<addrinfo>?
            let code = getaddrinfo(host, nil, &hints, &result)
            if code == 0 { freeaddrinfo(result) }
            return code
        }
        // EAI_NONAME and EAI_NODATA of netdb.h: the name doesn't exist, or has no address.
        if code == -2 || code == -5 { return TransportFailure(.unknownHost, "there is no host \(host)") }
        return TransportFailure(.resolver, "the name \(host) can't be resolved at the moment")
    }
}
