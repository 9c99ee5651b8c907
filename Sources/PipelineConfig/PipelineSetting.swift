internal import PipelineCore

/// An option that is set on the command line, in place of what the pipeline's file says.
public struct PipelineSetting: Sendable, Equatable {
    /// Names and numbers of entries from the outside in, as they were written: `sinks.0.path`.
    public var key: String
    public var value: String

    /// Nil for a text that isn't `KEY=VALUE`.
    public init?(_ text: String) {
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex else { return nil }
        key = String(text[..<equals])
        value = String(text[text.index(after: equals)...])
    }

    var label: String { "--set \(key)" }
}

extension DocumentNode {
    /// Puts settings in, each with a place of its own that stands for the option on the command line.
    mutating func apply(_ settings: [PipelineSetting], diagnostics: inout DiagnosticCollector) {
        for (index, setting) in settings.enumerated() {
            let place = Place.ofSetting(index)
            guard let value = Self.value(setting.value, at: place, &diagnostics) else { continue }
            let path = setting.key.split(separator: ".", omittingEmptySubsequences: false).map(
                String.init)
            if path.contains("") {
                diagnostics.error(
                    "the key has an empty name", at: place, hint: "write it like sinks.0.path")
            } else if let problem = set(value, at: path[...], place) {
                diagnostics.error(problem.message, at: place, hint: problem.hint)
            }
        }
    }

    private static func value(
        _ text: String, at place: Place, _ diagnostics: inout DiagnosticCollector
    ) -> DocumentNode? {
        // Other text is taken as it is, so that no shell's quotes have to be put in quotes again.
        guard let first = text.first, "[{\"'".contains(first) else {
            return DocumentNode(content: .scalar(text, isPlain: true), place: place)
        }
        var inner = DiagnosticCollector(file: "")
        let document = PipelineDocument(yaml: text, diagnostics: &inner)
        for diagnostic in inner.sorted {
            diagnostics.error(diagnostic.message, at: place, hint: diagnostic.hint)
        }
        return inner.hasErrors ? nil : document?.root.moved(to: place)
    }

    private func moved(to place: Place) -> DocumentNode {
        var node = self
        node.place = place
        switch content {
        case .scalar: break
        case .sequence(let items): node.content = .sequence(items.map { $0.moved(to: place) })
        case .mapping(let entries):
            node.content = .mapping(
                entries.map { Entry(key: $0.key, keyPlace: place, value: $0.value.moved(to: place)) })
        }
        return node
    }

    private struct Problem {
        var message: String
        var hint: String?
    }

    /// What is wrong with the path; nil once the value is set.
    private mutating func set(_ value: DocumentNode, at path: ArraySlice<String>, _ place: Place)
        -> Problem?
    {
        guard let name = path.first else {
            self = value
            return nil
        }
        let rest = path.dropFirst()
        switch content {
        case .mapping(var entries):
            if let index = entries.firstIndex(where: { $0.key == name }) {
                if let problem = entries[index].value.set(value, at: rest, place) { return problem }
            } else {
                // An option that there isn't is told like one of the file.
                var added = DocumentNode(content: .mapping([]), place: place)
                if let problem = added.set(value, at: rest, place) { return problem }
                entries.append(Entry(key: name, keyPlace: place, value: added))
            }
            content = .mapping(entries)
            return nil
        case .sequence(var items):
            switch Self.entry(name, of: items) {
            case .success(let index):
                if let problem = items[index].set(value, at: rest, place) { return problem }
                content = .sequence(items)
                return nil
            case .failure(let problem): return Problem(message: problem.message, hint: problem.hint)
            }
        case .scalar:
            if isNull {
                self = DocumentNode(content: .mapping([]), place: place)
                return set(value, at: path, place)
            }
            return Problem(
                message: "'\(name)' can't be set: what the file has in its place is a single value",
                hint: nil)
        }
    }

    private struct NoEntry: Error {
        var message: String
        var hint: String?
    }

    /// The entry of a list that a number, from 0, or a name means: its own, or its type where no other entry has it.
    private static func entry(_ name: String, of items: [DocumentNode]) -> Result<Int, NoEntry> {
        if let number = Int(name) {
            guard items.indices.contains(number) else {
                let last = items.count - 1
                return .failure(
                    NoEntry(
                        message: "there is no entry \(number)",
                        hint: last < 0 ? "the list is empty" : "they are numbered from 0 to \(last)"))
            }
            return .success(number)
        }
        let names = items.map { $0.scalar("name") ?? $0.scalar("type") }
        let matches = names.indices.filter { names[$0] == name }
        if matches.count == 1 { return .success(matches[0]) }
        if matches.count > 1 {
            return .failure(
                NoEntry(
                    message: "'\(name)' means \(matches.count) entries",
                    hint: "use a number: \(matches.map(String.init).joined(separator: ", "))"))
        }
        return .failure(
            NoEntry(
                message: "no entry is called '\(name)'",
                hint: Suggestion.hint(for: name, among: names.compactMap(\.self))))
    }

    private func scalar(_ key: String) -> String? {
        if case .scalar(let text, _)? = self[key]?.content { text } else { nil }
    }
}
