internal import AsyncHTTPClient
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

extension TransportFailure {
    /// Whom a connection is made to.
    package struct Peer: Sendable {
        /// The server that is asked.
        package let host: String
        /// The proxy on the way: its name is resolved, and its port connected to, instead of the server's.
        package let proxy: String?

        package init(host: String, proxy: String? = nil) {
            self.host = host
            self.proxy = proxy
        }

        fileprivate var dialled: String { proxy ?? host }
        fileprivate var words: String { proxy.map { "the proxy \($0)" } ?? host }
    }

    /// Sorts what the HTTP client threw, by the type and the case of the error alone.
    package static func sort(_ error: any Error, _ peer: Peer) -> TransportFailure {
        switch error {
        case let error as TransportFailure: return error
        case is AnswerCollector.BodyTooLarge:
            return TransportFailure(
                .bodyTooLarge, "the answer is larger than \(AnswerCollector.bodyLimit >> 20) MiB")
        case let error as HTTPClientError: return failure(error, peer)
        case let error as NIOConnectionError:
            // Names are resolved first: with a connection that failed, there was an address.
            let cause = error.connectionErrors.first?.error ?? error.dnsAError ?? error.dnsAAAAError
            guard let cause else { return TransportFailure(.other, "\(peer.words): the connection failed") }
            return sort(cause, peer)
        case let error as SocketAddressError.UnknownHost: return failure(resolving: error.errorCode, peer)
        case let error as IOError: return failure(error, peer)
        case ChannelError.connectTimeout: return TransportFailure(.timeout, "no connection to \(peer.words) in time")
        case is ChannelError:
            return TransportFailure(.connectionClosed, "the connection to \(peer.words) was closed")
        case let error as NIOSSLError: return failure(error, peer)
        case let error as NIOSSLExtraError where hostnameErrors.contains(error):
            return TransportFailure(.certificate, "the certificate of \(peer.host) is for another host")
        case let error as BoringSSLError: return failure(handshake: error, peer)
        case is HTTPParserError:
            return TransportFailure(.other, "\(peer.words) answered with something else than HTTP")
        default:
            return TransportFailure(.other, "\(peer.words): the connection failed (\(type(of: error)))")
        }
    }

    private static func failure(_ error: HTTPClientError, _ peer: Peer) -> TransportFailure {
        switch error {
        case .deadlineExceeded, .readTimeout, .writeTimeout:
            TransportFailure(.timeout, "no complete answer in time")
        case .tlsHandshakeTimeout:
            TransportFailure(.timeout, "the TLS handshake with \(peer.host) wasn't done in time")
        case .connectTimeout, .httpProxyHandshakeTimeout, .socksHandshakeTimeout, .getConnectionFromPoolTimeout:
            TransportFailure(.timeout, "no connection to \(peer.words) in time")
        case .remoteConnectionClosed, .uncleanShutdown:
            TransportFailure(.connectionClosed, "the connection was closed before the answer was complete")
        case .proxyAuthenticationRequired:
            TransportFailure(.other, "\(peer.words) wants a user and a password in its address")
        case .invalidProxyResponse:
            TransportFailure(.other, "\(peer.words) refused to connect to \(peer.host)")
        default: TransportFailure(.other, error.shortDescription)
        }
    }

    private static func failure(_ error: IOError, _ peer: Peer) -> TransportFailure {
        switch error.errnoCode {
        case ECONNREFUSED: TransportFailure(.refused, "\(peer.words) refused the connection")
        case ETIMEDOUT: TransportFailure(.timeout, "\(peer.words) didn't answer in time")
        case ECONNRESET, EPIPE: TransportFailure(.connectionClosed, "the connection was reset")
        default: TransportFailure(.other, "\(peer.words): \(String(cString: strerror(error.errnoCode)))")
        }
    }

    private static let hostnameErrors = [
        NIOSSLExtraError.failedToValidateHostname, .serverHostnameImpossibleToMatch,
    ]

    private static func failure(_ error: NIOSSLError, _ peer: Peer) -> TransportFailure {
        switch error {
        case .handshakeFailed(let reason): failure(handshake: reason, peer)
        case .noCertificateToValidate, .unableToValidateCertificate:
            TransportFailure(.certificate, "the certificate of \(peer.host) doesn't verify")
        case .uncleanShutdown:
            TransportFailure(.connectionClosed, "the connection was closed before the answer was complete")
        case .failedToLoadCertificate, .noSuchFilesystemObject:
            TransportFailure(.certificate, "the authorities to trust can't be loaded: check AWS_CA_BUNDLE")
        default: TransportFailure(.other, "\(peer.host): TLS failed (\(type(of: error)))")
        }
    }

    /// BoringSSL doesn't tell its reasons apart in types, so what a person reads names all of them, with its own word.
    private static func failure(handshake error: BoringSSLError, _ peer: Peer) -> TransportFailure {
        guard case .sslError(let stack) = error else {
            return TransportFailure(.other, "the TLS handshake with \(peer.host) was broken off")
        }
        if stack.contains(.eofDuringHandshake) || stack.contains(.eofDuringAdditionalCertficiateChainValidation) {
            return TransportFailure(.connectionClosed, "\(peer.host) closed the connection during the TLS handshake")
        }
        let word = stack.first.map(word) ?? ""
        if word.contains("CERTIFICATE_VERIFY_FAILED") {
            return TransportFailure(
                .untrusted,
                "the TLS certificate of \(peer.host) is untrusted: no authority that this machine trusts vouches for it "
                    + "(AWS_CA_BUNDLE names other authorities)")
        }
        return TransportFailure(
            .handshake,
            "the TLS handshake with \(peer.host) failed\(word): its port must speak TLS, of version 1.2 at least")
    }

    /// ` (CERTIFICATE_VERIFY_FAILED)`
    private static func word(_ error: BoringSSLInternalError) -> String {
        let words = error.description.split { $0 == ":" || $0 == " " }
        let word = words.first { $0.contains("_") && $0.allSatisfy { $0.isUppercase || $0 == "_" || $0.isNumber } }
        return word.map { " (\($0))" } ?? ""
    }

    /// What getaddrinfo said, as a number of netdb.h.
    private static func failure(resolving code: Int, _ peer: Peer) -> TransportFailure {
        if code == Int(EAI_NONAME) || code == noAddress {
            return TransportFailure(.unknownHost, "there is no host \(peer.dialled)")
        }
        return TransportFailure(.resolver, "the name \(peer.dialled) can't be resolved at the moment")
    }

    /// `EAI_NODATA` of netdb.h, which is hidden from Swift: the name exists, but has no address.
    private static let noAddress = -5
}
