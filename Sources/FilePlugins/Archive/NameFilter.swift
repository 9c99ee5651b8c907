/// Which names of an archive are read: the globs of `include` and `exclude`.
///
/// A glob without a slash is compared with the file's own name and with that of each folder on the way to it, one with a
/// slash with the whole relative name and with its leading folders; `**` is any number of folders.
struct NameFilter: Sendable {
    private let include: [Glob]?
    private let exclude: [Glob]

    /// Nil for a list that isn't given.
    init(include: [String]? = nil, exclude: [String]? = nil) {
        self.include = include.map { $0.map(Glob.init) }
        self.exclude = (exclude ?? []).map(Glob.init)
    }

    /// Whether a file takes part.
    func takes(_ name: String) -> Bool {
        let components = name.split(separator: "/")
        if excludes(components) { return false }
        return include?.contains { $0.matches(components) } ?? true
    }

    /// Whether nothing in a folder takes part, whatever it is.
    func excludes(_ name: String) -> Bool { excludes(name.split(separator: "/")) }

    private func excludes(_ components: [Substring]) -> Bool { exclude.contains { $0.matches(components) } }

    private struct Glob: Sendable {
        private enum Part: Sendable {
            case folders
            case name(GlobPattern)
        }

        private let parts: [Part]
        private let isAnywhere: Bool

        init(_ text: String) {
            var components = text.split(separator: "/")
            isAnywhere = components.count == 1 && !text.hasPrefix("/")
            if components.count > 1, components.first == "." { components.removeFirst() }
            parts = components.map { $0 == "**" ? .folders : .name(GlobPattern($0)) }
        }

        func matches(_ name: [Substring]) -> Bool {
            if isAnywhere { return name.contains { Self.matches(parts[...], [$0]) } }
            return (1..<name.count + 1).contains { Self.matches(parts[...], name[..<$0]) }
        }

        private static func matches(_ parts: ArraySlice<Part>, _ name: ArraySlice<Substring>) -> Bool {
            switch parts.first {
            case nil: name.isEmpty
            case .folders:
                (name.startIndex...name.endIndex).contains { matches(parts.dropFirst(), name[$0...]) }
            case .name(let pattern):
                name.first.map { pattern.matches(String($0)) && matches(parts.dropFirst(), name.dropFirst()) } ?? false
            }
        }
    }
}
