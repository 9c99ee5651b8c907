internal import CPostgres
internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// How the server is reached: a URL or libpq's keywords, and what of it may be shown.
struct ConnectionParameters: Sendable {
    /// A libpq URI or keyword string; nil where keywords are given, or nothing at all.
    private let url: Secret?
    /// libpq's keywords, the password aside.
    private let keywords: [(name: String, value: String)]
    private let password: Secret?
    /// `host:port/dbname`, without any secret.
    let place: String
    /// The same for spellings of one server and database: a host's case, its names for the own machine, an address in
    /// place of a name where that is what is connected to.
    let serverIdentity: String

    /// What every text that can be read looks like, as far as an editor can see: a URI without an '@' that should have been
    /// encoded, or keywords.
    static let expression =
        #"^postgres(ql)?://[^@/?]*(@[^@/?]*)?(/[^@?]*)?(\?.*)?$|^(?!postgres(ql)?://)[^=]*="#

    /// What is wrong with a URL, in words that hold nothing of it.
    struct Malformed: Error {
        var reason: String
    }

    /// - Throws: `Malformed`.
    init(url: Secret?, keywords: [(name: String, value: String)], password: Secret?) throws {
        self.url = url
        self.keywords = keywords
        var effective: [String: String] = Self.defaults()
        var password = password
        if let url {
            let parsed = try Self.parse(url.reveal())
            // A password that isn't percent-encoded spills over into the host, the port or the database's name.
            for (name, words) in [("host", "host"), ("hostaddr", "host"), ("dbname", "database")] {
                if parsed[name]?.contains("@") == true {
                    throw Malformed(
                        reason: "its \(words) holds an '@': write @, / and : in user and password as %40, %2F and %3A")
                }
            }
            if let port = parsed["port"], !port.utf8.allSatisfy({ (48...57).contains($0) || $0 == 44 }) {
                throw Malformed(
                    reason: "its port isn't a number: write @, / and : in user and password as %40, %2F and %3A")
            }
            effective.merge(parsed) { $1 }
            password = parsed["password"].map(Secret.init) ?? password
        }
        for (name, value) in keywords { effective[name] = value }
        self.password = password
        let host = effective["host"] ?? effective["hostaddr"] ?? "localhost"
        let port = effective["port"] ?? "5432"
        let database = effective["dbname"] ?? effective["user"] ?? ""
        place = "\(host):\(port)/\(database)"
        let address = (effective["hostaddr"] ?? host).lowercased()
        let isOwn = ["localhost", "::1", "0:0:0:0:0:0:0:1"].contains(address) || address.hasPrefix("127.")
        serverIdentity = "\(isOwn ? "localhost" : address):\(port)/\(database)"
    }

    /// libpq's arrays, ended by a null; what comes later counts, so what is given counts over these defaults.
    func withKeywords<R>(
        _ body: (
            UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<UnsafePointer<CChar>?>?
        ) -> R
    ) -> R {
        var pairs: [(String, String)] = []
        if getenv("PGCONNECT_TIMEOUT") == nil { pairs.append(("connect_timeout", "10")) }
        // A dead peer is noticed within a minute, whichever side waits for the other.
        pairs += [
            ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "60000"),
        ]
        if let url { pairs.append(("dbname", url.reveal())) }
        pairs += keywords.map { ($0.name, $0.value) }
        if url == nil, let password { pairs.append(("password", password.reveal())) }
        pairs += [("fallback_application_name", "sluice"), ("client_encoding", "UTF8")]
        let names = pairs.map { strdup($0.0) }
        let values = pairs.map { strdup($0.1) }
        defer { for text in names + values { free(text) } }
        let constNames = names.map { $0.map { UnsafePointer<CChar>($0) } } + [nil]
        let constValues = values.map { $0.map { UnsafePointer<CChar>($0) } } + [nil]
        return constNames.withUnsafeBufferPointer { names in
            constValues.withUnsafeBufferPointer { values in body(names.baseAddress, values.baseAddress) }
        }
    }

    /// The text without the password, should libpq or the server have put it there.
    func withoutPassword(_ text: String) -> String {
        var text = text
        for secret in [password, url] {
            guard let secret = secret?.reveal(), secret.utf8.count > 3 else { continue }
            while let range = text.firstRange(of: secret) { text.replaceSubrange(range, with: "•••") }
        }
        return text
    }

    /// Whether a URL or a text of keywords holds a password, or can't be read and so may hold one.
    static func holdsPassword(_ url: String) -> Bool {
        guard let parsed = try? parse(url) else { return true }
        return parsed["password"] != nil || parsed["sslpassword"] != nil
    }

    // MARK: libpq's own reading

    private static func parse(_ text: String) throws -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        // The message quotes what it can't read, which may be a password.
        let options = PQconninfoParse(text, &message)
        PQfreemem(message)
        guard let options else {
            throw Malformed(
                reason:
                    "libpq can't read it: postgresql://user:password@host:5432/database, or host=… dbname=… user=…; "
                    + "write special characters in user and password percent-encoded")
        }
        defer { PQconninfoFree(options) }
        return values(of: options)
    }

    /// What holds where nothing is said: PG* variables, a service file, libpq's own.
    private static func defaults() -> [String: String] {
        guard let options = PQconndefaults() else { return [:] }
        defer { PQconninfoFree(options) }
        return values(of: options)
    }

    private static func values(of options: UnsafeMutablePointer<PQconninfoOption>) -> [String: String] {
        var result: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { result[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return result
    }
}
