internal import Crypto

/// SHA-256 over consumed records: for each the length of what stands for it in bytes (8 bytes, big-endian), then these: of a
/// list's record its ID, of an archive's its document.
package struct InputHash: Sendable {
    private var hash = SHA256()

    package init() {}

    package mutating func append(_ bytes: [UInt8]) {
        withUnsafeBytes(of: UInt64(bytes.count).bigEndian) { hash.update(bufferPointer: $0) }
        bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    /// Lower-case hex of the digest so far; more may be appended afterwards.
    package var hex: String { hexadecimal(digest) }

    /// 32 bytes.
    var digest: [UInt8] { Array(hash.finalize()) }
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
