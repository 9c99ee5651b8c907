internal import Yams

/// Turns the parser's nodes into a document's: keys are text and unique, aliases and merge keys are put in, tags
/// refused.
struct DocumentComposer {
    /// Aliases of aliases multiply; beyond this, or as many values as the text has characters, a document isn't read.
    private static let standardMaximum = 100_000
    private static let maximumDepth = 64

    static let tooDeep = "nested more than \(maximumDepth) deep"

    private let veils: KeyVeils
    /// A text without aliases can't have more values.
    private let maximumNodes: Int
    private var nodes = 0
    /// Set where a limit is passed: reading ends.
    private var hasOverflowed = false
    private var diagnostics: DiagnosticCollector

    /// - Parameter characters: how many the text has.
    static func compose(
        _ node: Node, characters: Int, veils: KeyVeils, diagnostics: inout DiagnosticCollector
    ) -> DocumentNode? {
        var composer = DocumentComposer(characters: characters, veils: veils, diagnostics: diagnostics)
        let result = composer.compose(node, depth: 0)
        diagnostics = composer.diagnostics
        return composer.hasOverflowed ? nil : result
    }

    private init(characters: Int, veils: KeyVeils, diagnostics: DiagnosticCollector) {
        maximumNodes = max(Self.standardMaximum, characters)
        self.veils = veils
        self.diagnostics = diagnostics
    }

    private mutating func compose(_ node: Node, depth: Int) -> DocumentNode {
        let place = node.mark.map(Place.init) ?? Place(line: 1, column: 1)
        var result = DocumentNode(content: .scalar("", isPlain: true), place: place)
        nodes += 1
        if !hasOverflowed, nodes > maximumNodes {
            hasOverflowed = true
            diagnostics.error(
                "the document grows beyond \(maximumNodes) values through its aliases", at: place)
        } else if !hasOverflowed, depth > Self.maximumDepth {
            hasOverflowed = true
            diagnostics.error(Self.tooDeep, at: place)
        }
        guard !hasOverflowed else { return result }
        switch node {
        case .scalar(let scalar):
            // A refused tag leaves the scalar plain, so that it causes no second error.
            let isPlain = scalar.style == .plain && scalar.tag.rawValue != Tag.Name.str.rawValue
            checkTag(scalar.tag, allowed: .str, at: place)
            result.content = .scalar(scalar.string, isPlain: isPlain)
        case .sequence(let sequence):
            checkTag(sequence.tag, allowed: .seq, at: place)
            result.content = .sequence(sequence.map { compose($0, depth: depth + 1) })
        case .mapping(let mapping):
            checkTag(mapping.tag, allowed: .map, at: place)
            result.content = .mapping(compose(mapping, depth: depth))
            result.isFaulty = mapping.contains { key, _ in if case .scalar = key { false } else { true } }
        case .alias: break  // The parser puts what an alias stands for in its place.
        }
        return result
    }

    private mutating func compose(_ mapping: Node.Mapping, depth: Int) -> [DocumentNode.Entry] {
        var entries: [DocumentNode.Entry] = []
        var places: [String: Place] = [:]
        var merged: [(value: DocumentNode, keyPlace: Place)] = []
        for (key, value) in mapping {
            let place = key.mark.map(Place.init) ?? Place(line: 1, column: 1)
            guard case .scalar(let scalar) = key else {
                let isTemplate = if case .mapping = key { true } else { false }
                diagnostics.error(
                    "a key must be plain text", at: place,
                    hint: isTemplate ? "a template's {{…}} is filled in before the pipeline is read" : nil)
                continue
            }
            var name = veils.lift(scalar.string)
            var content: DocumentNode?
            if let missing = missingBlank(in: name, scalar.style, value) {
                let mistake = missing.mistake(at: place)
                diagnostics.error(mistake.message, at: mistake.place, hint: mistake.hint)
                // What was meant is read on, so that no second error comes of it.
                name = missing.key ?? missing.value
                if missing.key != nil {
                    content = DocumentNode(
                        content: .scalar(missing.value, isPlain: true), place: mistake.place)
                }
            }
            if let first = places[name] {
                diagnostics.error(
                    "duplicate key '\(name)'", at: place, hint: "it stands at \(first) already")
                continue
            }
            places[name] = place
            let value = content ?? compose(value, depth: depth + 1)
            if name == "<<", scalar.style == .plain {
                merged.append((value, place))
            } else {
                entries.append(DocumentNode.Entry(key: name, keyPlace: place, value: value))
            }
        }
        for (source, place) in merged { merge(source, at: place, into: &entries) }
        return entries
    }

    /// A blank that is missing within a plain key: after its colon where it has no value, after a dash where it has one.
    private func missingBlank(in name: String, _ style: Node.Scalar.Style, _ value: Node)
        -> MissingBlank?
    {
        guard style == .plain, let missing = MissingBlank(name) else { return nil }
        let hasNoValue =
            if case .scalar(let scalar) = value { scalar.style == .plain && scalar.string.isEmpty } else {
                false
            }
        return (missing.key == nil) == hasNoValue ? nil : missing
    }

    /// Keys of the mapping itself go first, then those of earlier sources.
    private mutating func merge(
        _ source: DocumentNode, at place: Place, into entries: inout [DocumentNode.Entry]
    ) {
        let sources: [DocumentNode]
        if case .sequence(let list) = source.content { sources = list } else { sources = [source] }
        var known = Set(entries.map(\.key))
        for source in sources {
            guard let additions = source.entries else {
                diagnostics.error("'<<' takes a mapping, or a list of mappings", at: place)
                continue
            }
            nodes += additions.count
            for entry in additions where known.insert(entry.key).inserted { entries.append(entry) }
        }
    }

    private mutating func checkTag(_ tag: Tag, allowed: Tag.Name, at place: Place) {
        let name = tag.rawValue
        guard !name.isEmpty, name != "!", name != allowed.rawValue else { return }
        let short =
            name.hasPrefix("tag:yaml.org,2002:")
            ? "!!" + name.dropFirst("tag:yaml.org,2002:".count) : name
        diagnostics.error("the tag '\(short)' has no meaning here", at: place, hint: "remove it")
    }
}
