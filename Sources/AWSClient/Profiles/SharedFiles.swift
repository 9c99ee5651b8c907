/// The profiles of `~/.aws/config` and `~/.aws/credentials`, merged.
package struct SharedFiles: Sendable {
    package typealias Properties = [String: String]

    /// A section's kind and name: of `[profile x]`, of `[default]`, of `[x]` in the credentials file.
    package struct Title: Sendable, Hashable {
        /// `profile`, `sso-session` or `services`
        package let kind: String
        package let name: String

        package static func profile(_ name: String) -> Title { Title(kind: "profile", name: name) }
    }

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
        let hidesDefault = sections.contains { $0.name != "default" && Self.title($0.name) == .profile("default") }
        for section in sections {
            if section.name == "default", hidesDefault { continue }
            guard let title = Self.title(section.name) else { continue }
            switch title.kind {
            case "profile": Self.merge(section.properties, into: &profiles[title.name, default: [:]])
            case "sso-session": Self.merge(section.properties, into: &ssoSessions[title.name, default: [:]])
            case "services":
                for (service, value) in section.properties {
                    Self.merge(
                        SharedFileSections.subproperties(value),
                        into: &services[title.name, default: [:]][service, default: [:]])
                }
            default: break
            }
        }
        for section in credentials?.sections ?? [] {
            guard let title = Self.title(section.name, isCredentials: true) else { continue }
            Self.merge(section.properties, into: &profiles[title.name, default: [:]])
        }
    }

    private static func merge(_ properties: Properties, into known: inout Properties) {
        known.merge(properties) { _, last in last }
    }

    /// What a section is of; nil where its name isn't one. In the credentials file, all of it is a profile's name.
    package static func title(_ name: String, isCredentials: Bool = false) -> Title? {
        if name.isEmpty { return nil }
        if isCredentials || name == "default" { return .profile(name) }
        guard let words = words(name), words.count == 2, !words[1].isEmpty else { return nil }
        return Title(kind: words[0], name: words[1])
    }

    /// Splits words as a shell does, with quotes and backslashes; nil where a quote doesn't end.
    private static func words(_ text: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = text[...]
        while let character = rest.popFirst() {
            switch (quote, character) {
            case (nil, " "), (nil, "\t"):
                if let word { words.append(word) }
                word = nil
            case (nil, "'"), (nil, "\""):
                quote = character
                word = word ?? ""
            case (nil, "\\"):
                guard let next = rest.popFirst() else { return nil }
                word = (word ?? "") + String(next)
            case ("\"", "\\"):
                guard let next = rest.popFirst() else { return nil }
                word = (word ?? "") + (next == "\"" || next == "\\" ? "" : "\\") + String(next)
            case (let open?, character) where open == character: quote = nil
            default: word = (word ?? "") + String(character)
            }
        }
        if quote != nil { return nil }
        if let word { words.append(word) }
        return words
    }
}
