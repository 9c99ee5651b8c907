/// What the environment and the files shared by the AWS tools say: which profile, which region, which endpoint.
///
/// Files that don't exist are empty. What can't be read or understood is told where it would matter, and only there.
public struct ClientSettings: Sendable {
    public let environment: [String: String]
    package let files: FileAccess
    package let shared: SharedFiles
    /// The profile in use.
    public let profile: String
    package let profileOrigin: ProfileOrigin
    /// What can't be understood of the files.
    package let faults: [SharedFileFault]
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
        var faults: [SharedFileFault] = []
        var unreadable: [String] = []
        func sections(_ path: String?, isCredentials: Bool = false) -> SharedFileSections? {
            guard let path else { return nil }
            let text: String
            do throws(FileAccess.Failure) {
                text = try files.text(path)
            } catch {
                if case .unreadable(let reason) = error { unreadable.append("\(path): \(reason)") }
                return nil
            }
            let sections = SharedFileSections(text)
            faults += sections.faults.map { fault in
                SharedFileFault(
                    words: "\(path):\(fault.line): \(fault.message)",
                    title: fault.section.flatMap { SharedFiles.title($0, isCredentials: isCredentials) })
            }
            return sections
        }
        shared = SharedFiles(
            config: sections(Self.configPath(environment)),
            credentials: sections(Self.credentialsPath(environment), isCredentials: true))
        self.faults = faults
        self.unreadable = unreadable
    }

    /// The same with the files as they are now.
    package func reread() -> ClientSettings {
        ClientSettings(environment: environment, profile: profileOrigin == .option ? profile : nil, files: files)
    }

    /// The first part of the files that can't be understood, wherever it stands.
    public var fault: String? { faults.first?.words }

    /// What can't be understood of sections that matter to the caller.
    package func fault(of titles: [SharedFiles.Title]) -> String? {
        faults.first { fault in fault.title.map { titles.contains($0) } ?? false }?.words
    }

    /// What can't be understood of the profile in use, its endpoints included.
    package var faultOfProfile: String? {
        fault(of: [.profile(profile)] + (property("services").map { [.init(kind: "services", name: $0)] } ?? []))
    }

    /// All that can't be read or understood: where something is missing, it may stand there.
    package var doubts: [String] { unreadable + faults.map(\.words) }

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
            if let value = value(environment[name]) { return (name, value) }
        }
        return nil
    }

    /// A variable's value without white space at its ends, as of a line break that came along from a file; blank is unset.
    package static func value(_ text: String?) -> String? {
        guard let text else { return nil }
        let rest = text.drop(while: \.isWhitespace)
        guard let last = rest.lastIndex(where: { !$0.isWhitespace }) else { return nil }
        return String(rest[...last])
    }
}

/// A part of a shared file that can't be understood.
package struct SharedFileFault: Sendable, Hashable {
    /// With its place; nothing of its content.
    package let words: String
    /// The section that it stands in; nil where nobody can tell.
    package let title: SharedFiles.Title?
}
