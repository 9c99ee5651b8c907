internal import AWSSigning
internal import Glibc

/// What a host's name says about where it is.
package enum HostRules {
    /// `localhost`, 127.0.0.0/8 and ::1, as they are written; no name is resolved.
    package static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" { return true }
        if let address = ipv4(host) { return address >> 24 == 127 }
        return ipv6(host).map { $0.dropLast().allSatisfy { $0 == 0 } && $0.last == 1 } ?? false
    }

    /// Where the credentials of containers are handed out besides loopback: ECS, EKS, EKS over IPv6.
    package static func isContainerService(_ host: String) -> Bool {
        ["169.254.170.2", "169.254.170.23"].contains(host) || ipv6(host).map { $0 == ipv6("fd00:ec2::23") } ?? false
    }

    private static func ipv4(_ host: String) -> UInt32? {
        var address = in_addr()
        return inet_pton(AF_INET, host, &address) == 1 ? UInt32(bigEndian: address.s_addr) : nil
    }

    private static func ipv6(_ host: String) -> [UInt8]? {
        var address = in6_addr()
        guard inet_pton(AF_INET6, host, &address) == 1 else { return nil }
        return withUnsafeBytes(of: &address) { Array($0) }
    }
}

/// RFC 4648 §4.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let word = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for index in 0..<4 {
                text.append(
                    index <= group.count ? alphabet[Int(word >> UInt32(18 - 6 * index)) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Percent-encoding outside of paths.
enum Percent {
    static func decode(_ text: some StringProtocol) -> String {
        String(decoding: URIEncoding.decode(text.utf8), as: UTF8.self)
    }
}
