/// The profiles of `~/.aws/config` and `~/.aws/credentials`, merged.
package struct SharedFiles: Sendable {
    package typealias Properties = [String: String]

    package private(set) var profiles: [String: Properties] = [:]
    /// `[sso-session NAME]`
    package private(set) var ssoSessions: [String: Properties] = [:]
    /// `[services NAME]`: the properties of each service, under its name.
    package private(set) var services: [String: [String: Properties]] = [:]

    package init() {}

    package init(
        profiles: [String: Properties], ssoSessions: [String: Properties] = [:],
        services: [String: [String: Properties]] = [:]
    ) {
        self.profiles = profiles
        self.ssoSessions = ssoSessions
        self.services = services
    }

    /// Merges both files. On duplicates the credentials file wins.
    package init(config: SharedFileSections?, credentials: SharedFileSections?) {
        let sections = config?.sections ?? []
        // `[profile default]` hides every `[default]`.
        let hidesDefault = sections.contains { Self.title($0.name).map { $0 == ("profile", "default") } ?? false }
        for section in sections {
            if section.name == "default" {
                if !hidesDefault { Self.merge(section.properties, into: &profiles["default", default: [:]]) }
                continue
            }
            guard let (kind, name) = Self.title(section.name) else { continue }
            switch kind {
            case "profile": Self.merge(section.properties, into: &profiles[name, default: [:]])
            case "sso-session": Self.merge(section.properties, into: &ssoSessions[name, default: [:]])
            case "services":
                for (service, value) in section.properties {
                    Self.merge(
                        SharedFileSections.subproperties(value),
                        into: &services[name, default: [:]][service, default: [:]])
                }
            default: break
            }
        }
        for section in credentials?.sections ?? [] where SharedFileSections.isName(section.name) {
            Self.merge(section.properties, into: &profiles[section.name, default: [:]])
        }
    }

    private static func merge(_ properties: Properties, into known: inout Properties) {
        known.merge(properties) { _, last in last }
    }

    /// `profile x` or `profile "x y"`; nil where the name isn't one.
    private static func title(_ text: String) -> (kind: String, name: String)? {
        guard let blank = text.firstIndex(where: { $0 == " " || $0 == "\t" }) else { return nil }
        let name = SharedFileSections.trim(text[blank...])
        for quote in ["\"", "'"] where name.count > 2 && name.hasPrefix(quote) && name.hasSuffix(quote) {
            let inner = name.dropFirst().dropLast()
            return inner.contains(quote) ? nil : (String(text[..<blank]), String(inner))
        }
        return SharedFileSections.isName(name) ? (String(text[..<blank]), name) : nil
    }
}
