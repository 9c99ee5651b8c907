internal import AsyncHTTPClient
internal import NIOSSL

/// Which certificates are trusted, and through which proxy connections go.
public struct ConnectionSettings: Sendable {
    /// A PEM file of the authorities to trust instead of the system's; nil: the system's.
    public let certificateBundle: String?
    let httpProxy: ProxyServer?
    let httpsProxy: ProxyServer?
    let noProxy: [String]

    /// What is wrong with a setting.
    public struct Malformed: Error, Sendable, Hashable {
        /// Names the place; holds no password.
        public let message: String
    }

    /// No proxy, and the system's authorities.
    public static let direct = ConnectionSettings()

    private init(certificateBundle: String? = nil) {
        self.certificateBundle = certificateBundle
        (httpProxy, httpsProxy, noProxy) = (nil, nil, [])
    }

    /// The same trust, for what is never asked through a proxy.
    var withoutProxies: ConnectionSettings { ConnectionSettings(certificateBundle: certificateBundle) }

    /// Reads `AWS_CA_BUNDLE` (else the profile's `ca_bundle`), `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; of a
    /// variable's two spellings the lower-case one counts first.
    public init(_ settings: ClientSettings) throws(Malformed) {
        func variable(_ name: String) -> (value: String, place: String)? {
            for spelling in [name.lowercased(), name] {
                if let value = settings.variable(spelling) { return (value, spelling) }
            }
            return nil
        }
        func proxy(_ name: String) throws(Malformed) -> ProxyServer? {
            guard let (value, place) = variable(name) else { return nil }
            return try ProxyServer(value, place: place)
        }
        httpProxy = try proxy("HTTP_PROXY")
        httpsProxy = try proxy("HTTPS_PROXY")
        noProxy = (variable("NO_PROXY")?.value ?? "").split { $0 == "," || $0.isWhitespace }.map { $0.lowercased() }
        guard let (path, place) = settings.setting(["AWS_CA_BUNDLE"], "ca_bundle") else {
            certificateBundle = nil
            return
        }
        let file = settings.expand(path)
        do throws(FileAccess.Failure) {
            try Self.requireCertificates(try settings.files.bytes(file))
        } catch {
            switch error {
            case .missing: throw Malformed(message: "\(place) names \(file), which doesn't exist")
            case .unreadable(let reason): throw Malformed(message: "\(place) names \(file), which is no use: \(reason)")
            }
        }
        certificateBundle = file
    }

    /// Finds out now what the first handshake would stumble over.
    private static func requireCertificates(_ content: [UInt8]) throws(FileAccess.Failure) {
        guard !content.starts(with: [0xEF, 0xBB, 0xBF]) else {
            throw .unreadable(
                "it begins with a byte order mark, which hides its first certificate; save it as UTF-8 without one")
        }
        guard String(decoding: content, as: UTF8.self).contains("-----BEGIN ") else {
            throw .unreadable("it holds no certificate in PEM form")
        }
        let count: Int
        do {
            count = try NIOSSLCertificate.fromPEMBytes(content).count
        } catch {
            throw .unreadable("a certificate in it is damaged")
        }
        guard count > 0 else { throw .unreadable("it holds no certificate in PEM form") }
    }

    /// The proxy for a server. Nothing on this machine is asked for through one.
    func proxy(for endpoint: Endpoint) -> ProxyServer? {
        guard let proxy = endpoint.scheme == "https" ? httpsProxy : httpProxy else { return nil }
        return HostRules.isLoopback(endpoint.host) || excludes(endpoint) ? nil : proxy
    }

    /// Host and port of the proxy for a server, without its login.
    package func proxyAddress(for endpoint: Endpoint) -> String? {
        proxy(for: endpoint).map { "\($0.host):\($0.port)" }
    }

    /// A name excludes itself and what is below it, a name with a port only that port, `*` everything.
    private func excludes(_ endpoint: Endpoint) -> Bool {
        noProxy.contains { entry in
            if entry == "*" { return true }
            let name = entry.hasPrefix("*.") ? entry.dropFirst(2) : entry.drop { $0 == "." }
            guard !name.isEmpty else { return false }
            return [endpoint.host, "\(endpoint.host):\(endpoint.port)"].contains {
                $0 == name || $0.hasSuffix(".\(name)")
            }
        }
    }

    /// The proxy that passes plain HTTP on: it is connected to in the server's place, and asked with the whole URL, since
    /// many proxies open tunnels for TLS alone.
    func forwardingProxy(for endpoint: Endpoint) -> ProxyServer? {
        endpoint.scheme == "http" ? proxy(for: endpoint) : nil
    }

    /// Where to connect to, `http://host:port`.
    func origin(for endpoint: Endpoint) -> String {
        if let proxy = forwardingProxy(for: endpoint) {
            let host = proxy.host.contains(":") && !proxy.host.hasPrefix("[") ? "[\(proxy.host)]" : proxy.host
            return "http://\(host):\(proxy.port)"
        }
        return "\(endpoint.scheme)://\(endpoint.authority)"
    }

    /// Writes both into a client's configuration.
    func apply(to configuration: inout HTTPClient.Configuration, for endpoint: Endpoint) {
        let forwardedOrigin = forwardingProxy(for: endpoint).map { _ in "\(endpoint.scheme)://\(endpoint.authority)" }
        configuration.http1_1ConnectionDebugInitializer = { channel in
            WireRepair.install(in: channel, origin: forwardedOrigin)
        }
        if endpoint.scheme == "https", let proxy = proxy(for: endpoint) {
            configuration.proxy = .server(
                host: proxy.host, port: proxy.port,
                authorization: proxy.user.map { .basic(username: $0, password: proxy.password ?? "") })
        }
        var tls = TLSConfiguration.makeClientConfiguration()
        // Older versions can be broken, and a signed request holds a session token.
        tls.minimumTLSVersion = .tlsv12
        if let certificateBundle { tls.trustRoots = .file(certificateBundle) }
        configuration.tlsConfiguration = tls
    }
}

/// An HTTP proxy that connections are tunnelled through.
struct ProxyServer: Sendable, Hashable {
    let host: String
    let port: Int
    let user: String?
    let password: String?

    /// The header that logs in there; nil without a user.
    var authorization: String? {
        guard let user else { return nil }
        return "Basic " + Base64.encode(Array("\(user):\(password ?? "")".utf8))
    }

    /// Reads `http://user:password@host:port`; the scheme may be missing, the port is 80 then.
    init(_ url: String, place: String) throws(ConnectionSettings.Malformed) {
        var rest = url[...]
        if let separator = url.firstRange(of: "://") {
            guard url[..<separator.lowerBound].lowercased() == "http" else {
                throw ConnectionSettings.Malformed(
                    message: "\(place) must be an http:// address; connections to a proxy are plain HTTP")
            }
            rest = url[separator.upperBound...]
        }
        var login: Substring?
        if let at = rest.lastIndex(of: "@") {
            login = rest[..<at]
            rest = rest[rest.index(after: at)...]
        }
        do throws(Endpoint.Malformed) {
            let endpoint = try Endpoint("http://\(rest)")
            host = endpoint.host
            port = endpoint.port
        } catch {
            throw ConnectionSettings.Malformed(message: "\(place) isn't a proxy's address: \(error.message)")
        }
        let parts = login?.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        user = parts?.first.map { Percent.decode($0) }
        password = (parts?.count ?? 0) > 1 ? parts?.last.map { Percent.decode($0) } : nil
    }
}
