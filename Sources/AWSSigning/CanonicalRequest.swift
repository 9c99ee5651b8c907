internal import Crypto

/// One header as it goes over the wire.
public struct SigningHeader: Sendable, Hashable {
    /// In any case.
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// A request in the form that SigV4 hashes.
public struct CanonicalRequest: Sendable {
    /// The canonical text, UTF-8.
    public let bytes: [UInt8]
    /// `host;x-amz-date`: the names of the headers that count, as they stand in `SignedHeaders`.
    public let signedHeaders: String

    /// - Parameters:
    ///   - target: the request target as it stands on the wire, `/v1/apps/x/users/a%2Fb?k=v`. The path is encoded once
    ///     more, as every service but S3 wants it.
    ///   - headers: all headers that are signed; several of one name are joined in order.
    ///   - payloadHash: lower-case hex of the body's SHA-256.
    ///   - normalizingPath: drop empty and `.` segments, and let `..` remove the segment before it.
    public init(
        method: String, target: String, headers: [SigningHeader], payloadHash: String = Self.emptyPayloadHash,
        normalizingPath: Bool = true
    ) {
        var canonical: [UInt8] = []
        canonical.reserveCapacity(512)
        let newline = UInt8(ascii: "\n")
        canonical.append(contentsOf: method.utf8)
        canonical.append(newline)
        let utf8 = target.utf8
        let queryStart = utf8.firstIndex(of: UInt8(ascii: "?"))
        Self.appendPath(utf8[..<(queryStart ?? utf8.endIndex)], normalizing: normalizingPath, to: &canonical)
        canonical.append(newline)
        if let queryStart { Self.appendQuery(utf8[utf8.index(after: queryStart)...], to: &canonical) }
        canonical.append(newline)
        let folded = Self.fold(headers)
        var names: [UInt8] = []
        for (name, values) in folded {
            canonical.append(contentsOf: name.utf8)
            canonical.append(UInt8(ascii: ":"))
            canonical.append(contentsOf: values)
            canonical.append(newline)
            if !names.isEmpty { names.append(UInt8(ascii: ";")) }
            names.append(contentsOf: name.utf8)
        }
        canonical.append(newline)
        canonical.append(contentsOf: names)
        canonical.append(newline)
        canonical.append(contentsOf: payloadHash.utf8)
        bytes = canonical
        signedHeaders = String(decoding: names, as: UTF8.self)
    }

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// What is signed: the algorithm, the time, the scope and the hash of the canonical request.
    public func stringToSign(at time: SigningTime, scope: CredentialScope) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(192)
        text.append(contentsOf: "AWS4-HMAC-SHA256\n\(time.text)\n\(scope)\n".utf8)
        LowerHex.append(Self.sha256(bytes), to: &text)
        return text
    }

    /// The hash of a body without bytes.
    public static let emptyPayloadHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    /// Lower-case hex of a body's SHA-256.
    public static func payloadHash(_ body: [UInt8]) -> String { LowerHex.text(sha256(body)) }

    private static func sha256(_ bytes: [UInt8]) -> SHA256Digest {
        var hash = SHA256()
        bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
        return hash.finalize()
    }

    private static func appendPath(_ path: Substring.UTF8View, normalizing: Bool, to bytes: inout [UInt8]) {
        let slash = UInt8(ascii: "/")
        guard normalizing else {
            if path.isEmpty { bytes.append(slash) }
            URIEncoding.append(path, to: &bytes, keepingSlash: true)
            return
        }
        var segments: [Substring.UTF8View] = []
        for segment in path.split(separator: slash) where !segment.elementsEqual(".".utf8) {
            if segment.elementsEqual("..".utf8) {
                _ = segments.popLast()
            } else {
                segments.append(segment)
            }
        }
        for segment in segments {
            bytes.append(slash)
            URIEncoding.append(segment, to: &bytes, keepingSlash: false)
        }
        if segments.isEmpty || path.last == slash { bytes.append(slash) }
    }

    private static func appendQuery(_ query: Substring.UTF8View, to bytes: inout [UInt8]) {
        var pairs: [(name: [UInt8], value: [UInt8])] = []
        for part in query.split(separator: UInt8(ascii: "&")) {
            let equals = part.firstIndex(of: UInt8(ascii: "="))
            var name: [UInt8] = []
            var value: [UInt8] = []
            URIEncoding.append(URIEncoding.decode(part[..<(equals ?? part.endIndex)]), to: &name, keepingSlash: false)
            if let equals {
                let text = part[part.index(after: equals)...]
                URIEncoding.append(URIEncoding.decode(text), to: &value, keepingSlash: false)
            }
            pairs.append((name, value))
        }
        pairs.sort {
            if $0.name != $1.name { return $0.name.lexicographicallyPrecedes($1.name) }
            return $0.value.lexicographicallyPrecedes($1.value)
        }
        for (index, pair) in pairs.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: "&")) }
            bytes.append(contentsOf: pair.name)
            bytes.append(UInt8(ascii: "="))
            bytes.append(contentsOf: pair.value)
        }
    }

    /// Lower-case names in bytewise order, each with its values trimmed, inner blanks collapsed, joined by commas.
    private static func fold(_ headers: [SigningHeader]) -> [(name: String, values: [UInt8])] {
        var folded: [(name: String, values: [UInt8])] = []
        folded.reserveCapacity(headers.count)
        for header in headers {
            let name = header.name.lowercased()
            if let known = folded.firstIndex(where: { $0.name == name }) {
                folded[known].values.append(UInt8(ascii: ","))
                appendCollapsed(header.value, to: &folded[known].values)
            } else {
                var values: [UInt8] = []
                values.reserveCapacity(header.value.utf8.count)
                appendCollapsed(header.value, to: &values)
                folded.append((name, values))
            }
        }
        folded.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return folded
    }

    private static func appendCollapsed(_ value: String, to bytes: inout [UInt8]) {
        let start = bytes.count
        var pendingBlank = false
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"):
                pendingBlank = bytes.count > start
            default:
                if pendingBlank { bytes.append(UInt8(ascii: " ")) }
                pendingBlank = false
                bytes.append(byte)
            }
        }
    }
}
