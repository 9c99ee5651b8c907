internal import AWSSigning
internal import AsyncHTTPClient
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// Finds out why a server's certificate doesn't verify: BoringSSL only says that it doesn't.
///
/// The connection is made once more without verifying, the way it was made before, only to look at the certificate.
/// Nothing is sent over it.
enum CertificateDiagnosis {
    /// What ends the look at a certificate, before a request could be sent.
    private struct Seen: Error {
        let notBefore: Int
        let notAfter: Int
    }

    static func explain(
        _ failure: TransportFailure, _ endpoint: Endpoint, _ configuration: HTTPClient.Configuration
    ) async -> TransportFailure {
        guard let seen = await look(endpoint, configuration) else { return failure }
        let now = WallClock.unixSeconds
        let host = endpoint.host
        if seen.notAfter < now {
            return TransportFailure(
                .certificate,
                "the certificate of \(host) has expired (on \(HTTPDate.text(unixSeconds: seen.notAfter)))")
        }
        if seen.notBefore > now {
            return TransportFailure(
                .certificate,
                "the certificate of \(host) isn't valid yet (from \(HTTPDate.text(unixSeconds: seen.notBefore)) on): "
                    + "check this machine's clock")
        }
        return failure
    }

    private static func look(_ endpoint: Endpoint, _ configuration: HTTPClient.Configuration) async -> Seen? {
        var configuration = configuration
        configuration.tlsConfiguration?.certificateVerification = .none
        configuration.http1_1ConnectionDebugInitializer = { channel in
            channel.eventLoop.makeCompletedFuture {
                guard let certificate = try channel.pipeline.syncOperations.nioSSL_peerCertificate() else {
                    throw ChannelError.inappropriateOperationForState
                }
                throw Seen(notBefore: Int(certificate.notValidBefore), notAfter: Int(certificate.notValidAfter))
            }
        }
        let client = HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration)
        var seen: Seen?
        do {
            _ = try await client.get(
                url: "\(endpoint.scheme)://\(endpoint.authority)/", deadline: .now() + .seconds(3)
            ).get()
        } catch {
            // Anything else than what was looked for leaves the reason unknown.
            seen = error as? Seen
        }
        // There was no request that could be lost.
        try? await client.shutdown()
        return seen
    }
}
