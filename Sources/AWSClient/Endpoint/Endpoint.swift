/// Where a service is reached.
public struct Endpoint: Sendable, Hashable {
    /// `http` or `https`
    public let scheme: String
    /// Without brackets for IPv6.
    public let host: String
    /// Host and port as they stand in a URL and in the `Host` header: the port only where it isn't the scheme's own.
    public let authority: String
    /// The scheme's own where the URL names none.
    public let port: Int
    /// The prefix of every path, without a slash at its end; empty in most cases.
    public let pathPrefix: String

    /// What is wrong with a URL, for a message that names the place it came from.
    public struct Malformed: Error, Sendable, Hashable {
        public let message: String
    }

    /// Reads `http://127.0.0.1:4100` or `https://host/prefix/`.
    public init(_ url: String) throws(Malformed) {
        guard let separator = url.firstRange(of: "://") else {
            throw Malformed(message: "it must begin with http:// or https://")
        }
        scheme = url[..<separator.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else {
            throw Malformed(message: "its scheme must be http or https, not '\(scheme)'")
        }
        let rest = url[separator.upperBound...]
        guard rest.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw Malformed(message: "it holds a character that must be percent-encoded")
        }
        if rest.contains("?") || rest.contains("#") {
            throw Malformed(message: "it must not have a query or a fragment")
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        if authority.contains("@") { throw Malformed(message: "it must not hold a user or a password") }
        var path = rest[slash...]
        while path.hasSuffix("/") { path.removeLast() }
        pathPrefix = String(path)
        let (host, port) = try Self.split(authority)
        self.host = host.lowercased()
        let name = self.host.contains(":") ? "[\(self.host)]" : self.host
        let standard = scheme == "http" ? 80 : 443
        self.port = port ?? standard
        self.authority = self.port == standard ? name : "\(name):\(self.port)"
    }

    private static func split(_ authority: Substring) throws(Malformed) -> (host: String, port: Int?) {
        var host = authority
        var portText: Substring?
        if authority.hasPrefix("[") {
            guard let bracket = authority.firstIndex(of: "]") else { throw Malformed(message: "']' is missing") }
            host = authority[authority.index(after: authority.startIndex)..<bracket]
            let behind = authority[authority.index(after: bracket)...]
            if !behind.isEmpty {
                guard behind.hasPrefix(":") else { throw Malformed(message: "':' must follow ']'") }
                portText = behind.dropFirst()
            }
            guard host.contains(":"), host.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else {
                throw Malformed(message: "'\(host)' isn't an IPv6 address")
            }
        } else {
            if let colon = authority.firstIndex(of: ":") {
                host = authority[..<colon]
                portText = authority[authority.index(after: colon)...]
            }
            guard !host.isEmpty, host.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || ".-_".contains($0)) })
            else { throw Malformed(message: host.isEmpty ? "it names no host" : "'\(host)' isn't a host name") }
        }
        guard let portText else { return (String(host), nil) }
        guard let port = Int(portText), (1...65_535).contains(port) else {
            throw Malformed(message: "its port must be 1 to 65535")
        }
        return (String(host), port)
    }
}
