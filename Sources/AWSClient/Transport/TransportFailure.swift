/// Why an attempt brought no answer.
package struct TransportFailure: Error, Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case timeout
        case refused
        case unknownHost
        /// The resolver failed, but may succeed later.
        case resolver
        /// The certificate isn't the host's.
        case certificate
        /// The certificate doesn't verify: nobody who is trusted vouches for it, or it has expired.
        case untrusted
        /// The TLS handshake failed: no common version, or no TLS at all.
        case handshake
        /// The connection ended before an answer or in the middle of it.
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
        case .certificate, .untrusted: "CertificateInvalid"
        case .handshake: "TLSHandshakeFailed"
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
        // Neither mends itself while a run waits for its first answer.
        case .certificate, .untrusted, .handshake: .certificate
        case .resolver, .connectionClosed, .bodyTooLarge, .other: .other
        }
    }
}
