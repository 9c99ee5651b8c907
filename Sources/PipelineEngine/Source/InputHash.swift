internal import Crypto

/// SHA-256 over the consumed input: for each record the length of its ID in bytes (8 bytes, big-endian), then the ID.
package struct InputHash: Sendable {
    private var hash = SHA256()

    package init() {}

    package mutating func append(_ bytes: [UInt8]) {
        withUnsafeBytes(of: UInt64(bytes.count).bigEndian) { hash.update(bufferPointer: $0) }
        bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    /// Lower-case hex of the digest so far; more may be appended afterwards.
    package var hex: String { hexadecimal(hash.finalize()) }
}

/// Lower-case hex.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}
