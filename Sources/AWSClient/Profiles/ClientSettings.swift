/// What the environment and the files shared by the AWS tools say: which profile, which region, which endpoint.
///
/// Files that don't exist are empty. A file that can't be read or understood is told where its content would matter.
public struct ClientSettings: Sendable {
    public let environment: [String: String]
    package let files: FileAccess
    package let shared: SharedFiles
    /// The profile in use.
    public let profile: String
    package let profileOrigin: ProfileOrigin
    /// Why a file can't be understood, with its place.
    public let fault: String?
    /// Files that are there but can't be read, with the reason.
    package let unreadable: [String]

    package enum ProfileOrigin: Sendable, Hashable {
        /// Asked for by the caller: wins over credentials in the environment.
        case option
        case variable(String)
        /// Nobody named one: `default`.
        case standard
    }

    /// - Parameter profile: an option; then `AWS_PROFILE`, `AWS_DEFAULT_PROFILE`, `default`.
    public init(environment: [String: String], profile: String? = nil, files: FileAccess = .system) {
        self.environment = environment
        self.files = files
        if let profile, !profile.isEmpty {
            (self.profile, profileOrigin) = (profile, .option)
        } else if let (variable, name) = Self.first(["AWS_PROFILE", "AWS_DEFAULT_PROFILE"], environment) {
            (self.profile, profileOrigin) = (name, .variable(variable))
        } else {
            (self.profile, profileOrigin) = ("default", .standard)
        }
        var fault: String?
        var unreadable: [String] = []
        func sections(_ path: String?) -> SharedFileSections? {
            guard let path else { return nil }
            let text: String
            do throws(FileAccess.Failure) {
                text = try files.text(path)
            } catch {
                if case .unreadable(let reason) = error { unreadable.append("\(path): \(reason)") }
                return nil
            }
            do throws(SharedFileSections.Malformed) {
                return try SharedFileSections(text)
            } catch {
                if fault == nil { fault = "\(path):\(error.line): \(error.message)" }
                return nil
            }
        }
        shared = SharedFiles(
            config: sections(Self.configPath(environment)), credentials: sections(Self.credentialsPath(environment)))
        self.fault = fault
        self.unreadable = unreadable
    }

    /// `AWS_CONFIG_FILE`, else `~/.aws/config`; nil where there is no home.
    package static func configPath(_ environment: [String: String]) -> String? {
        path("AWS_CONFIG_FILE", ".aws/config", environment)
    }

    /// `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials`; nil where there is no home.
    package static func credentialsPath(_ environment: [String: String]) -> String? {
        path("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", environment)
    }

    /// The value of an environment variable; blank is unset.
    package func variable(_ name: String) -> String? { Self.first([name], environment)?.value }

    /// The properties of the profile in use.
    package var properties: SharedFiles.Properties { shared.profiles[profile] ?? [:] }

    /// A property of the profile in use; blank is unset.
    package func property(_ name: String) -> String? {
        properties[name].flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }
    }

    /// A setting with the place that it comes from: a variable, else a property of the profile.
    package func setting(_ variables: [String], _ property: String) -> (value: String, place: String)? {
        if let (name, value) = Self.first(variables, environment) { return (value, name) }
        return self.property(property).map { ($0, "\(property) of profile '\(profile)'") }
    }

    /// True where the setting is `true`, in any case.
    package func isOn(_ variable: String, _ property: String) -> Bool {
        setting([variable], property).map { $0.value.lowercased() == "true" } ?? false
    }

    /// `~/` at the beginning of a path becomes the home.
    package func expand(_ path: String) -> String { Self.expand(path, environment) }

    private static func expand(_ path: String, _ environment: [String: String]) -> String {
        guard path.hasPrefix("~/"), let home = first(["HOME"], environment)?.value else { return path }
        return home + path.dropFirst()
    }

    private static func path(_ variable: String, _ name: String, _ environment: [String: String]) -> String? {
        if let given = first([variable], environment)?.value { return expand(given, environment) }
        return first(["HOME"], environment).map { $0.value + "/" + name }
    }

    private static func first(_ variables: [String], _ environment: [String: String]) -> (name: String, value: String)?
    {
        for name in variables {
            if let value = environment[name], !value.allSatisfy(\.isWhitespace) { return (name, value) }
        }
        return nil
    }
}
