internal import Crypto
internal import Synchronization

/// The key that SigV4 derives from a secret for one scope.
public struct SigningKey: Sendable {
    /// Begun with the key already, which is half of an HMAC's work for a text this short.
    private let begun: HMAC<SHA256>

    public init(secretAccessKey: String, scope: CredentialScope) {
        var key = SymmetricKey(data: Array("AWS4\(secretAccessKey)".utf8))
        for part in [scope.day, scope.region, scope.service, "aws4_request"] {
            key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
        }
        begun = HMAC(key: key)
    }

    /// HMAC-SHA-256 of a string to sign, in lower-case hex.
    public func signature(_ stringToSign: [UInt8]) -> String {
        var code = begun
        code.update(data: stringToSign)
        return LowerHex.text(code.finalize())
    }
}

/// Keeps the keys that were derived last: a key serves for its day, region, service and secret.
///
/// Bounded: it holds the newest `capacity` keys, so that a server which many clients call stays small.
public final class SigningKeyCache: Sendable {
    private struct Entry {
        let accessKeyID: String
        let secretAccessKey: String
        let scope: CredentialScope
        let key: SigningKey
    }

    private let capacity: Int
    private let entries = Mutex<[Entry]>([])

    /// - Parameter capacity: at least 1.
    public init(capacity: Int = 8) { self.capacity = max(1, capacity) }

    public func key(for credentials: SigningCredentials, scope: CredentialScope) -> SigningKey {
        entries.withLock { entries in
            if let known = entries.first(where: {
                $0.scope == scope && $0.accessKeyID == credentials.accessKeyID
                    && $0.secretAccessKey == credentials.secretAccessKey
            }) {
                return known.key
            }
            let key = SigningKey(secretAccessKey: credentials.secretAccessKey, scope: scope)
            if entries.count == capacity { entries.removeFirst() }
            entries.append(
                Entry(
                    accessKeyID: credentials.accessKeyID, secretAccessKey: credentials.secretAccessKey, scope: scope,
                    key: key))
            return key
        }
    }
}

/// Lower-case hexadecimal text of bytes.
enum LowerHex {
    static func append(_ bytes: some Sequence<UInt8>, to text: inout [UInt8]) {
        for byte in bytes {
            text.append(digit(byte >> 4))
            text.append(digit(byte & 15))
        }
    }

    static func text(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(64)
        append(bytes, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    private static func digit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }
}
