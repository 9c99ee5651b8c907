internal import PipelineCore

/// A plugin as it was configured and made.
struct DecodedPlugin: Sendable {
    var factory: PluginFactory
    /// The name in the configuration, else the type.
    var name: String
    /// Where the name stands, else where the type does.
    var namePlace: Place
    var isNamed: Bool
    var options: Options
    /// A sink's own.
    var transforms: [DecodedPlugin]
    /// What it was decoded from.
    var node: DocumentNode
    var product: any Sendable
}

extension OptionDecoder {
    /// Options that the host adds to a plugin's own.
    static func hostFields(_ kind: PluginKind) -> [OptionField] {
        guard kind == .sink else { return [] }
        return [
            OptionField("name", .pattern(.name), .optional, "Name of the sink; the type where it isn't given"),
            OptionField(
                "transforms", .list(.plugin(.transform)), .defaulted("[]"),
                "Edits for this sink alone, after the shared ones"),
        ]
    }

    /// Nil, with diagnostics, where the type is unknown or an option is wrong.
    mutating func decodePlugin(_ node: DocumentNode, kind: PluginKind) -> DecodedPlugin? {
        guard let factory = decodeType(of: node, kind: kind) else { return nil }
        let host = Self.hostFields(kind)
        let own = factory.schema.fields.filter { field in !host.contains { $0.key == field.key } }
        checkKeys(of: node, known: ["type"] + (host + own).map(\.key))

        var isComplete = true
        var name: String?
        let nameNode = node["name"]
        if let nameNode, host.contains(where: { $0.key == "name" }) {
            if case .text(let text)? = decode(nameNode, as: .pattern(.name), label: "'name'") {
                name = text
            } else {
                isComplete = false
            }
        }
        var transforms: [DecodedPlugin] = []
        if kind == .sink, let list = node["transforms"] {
            if let decoded = decodePlugins(list, kind: .transform, label: "'transforms'") {
                transforms = decoded
            } else {
                isComplete = false
            }
        }
        let outer = warnsOfPublicSecrets
        warnsOfPublicSecrets = kind == .transform
        let decoded = decodeFields(own, of: node)
        warnsOfPublicSecrets = outer
        guard let values = decoded, isComplete else { return nil }
        let options = Options(values)
        let place = node["type"]?.place ?? node.place
        var context = context
        context.name = name ?? factory.typeName
        guard let product = make(factory, options, context, node: node, place: place) else { return nil }
        return DecodedPlugin(
            factory: factory, name: context.name, namePlace: name == nil ? place : nameNode?.place ?? place,
            isNamed: name != nil, options: options, transforms: transforms, node: node, product: product)
    }

    /// A list of plugins, with what each was made from.
    mutating func decodePlugins(_ node: DocumentNode, kind: PluginKind, label: String) -> [DecodedPlugin]? {
        guard !node.isNull else {
            diagnostics.error("\(label) has no value", at: node.place, hint: "an empty list is []")
            return nil
        }
        guard case .sequence(let items) = node.content else {
            _ = mismatch(node, .list(.plugin(kind)), label)
            return nil
        }
        let decoded = items.map { item -> DecodedPlugin? in
            guard item.entries != nil else {
                _ = mismatch(item, .plugin(kind), "an entry of \(label)")
                return nil
            }
            return decodePlugin(item, kind: kind)
        }
        let plugins = decoded.compactMap(\.self)
        return plugins.count == items.count ? plugins : nil
    }

    private mutating func decodeType(of node: DocumentNode, kind: PluginKind) -> PluginFactory? {
        let known = registry.typeNames(kind)
        guard let type = node["type"] else {
            diagnostics.error(
                "missing option 'type'", at: node.missingKeyPlace, hint: "one of " + known.joined(separator: ", "))
            return nil
        }
        guard case .text(let name)? = decode(type, as: .text, label: "'type'") else { return nil }
        if let factory = registry.factory(kind, name) { return factory }
        let hint = known.isEmpty ? "this program has none" : Suggestion.hint(for: name, among: known)
        diagnostics.error("unknown \(kind.rawValue) type '\(redacted(name))'", at: type.place, hint: hint)
        return nil
    }

    private mutating func make(
        _ factory: PluginFactory, _ options: Options, _ context: PluginContext, node: DocumentNode, place: Place
    ) -> (any Sendable)? {
        do {
            return try factory.make(options.withProducts, context)
        } catch let error as OptionError {
            report(error, in: node)
        } catch let error as PipelineError {
            diagnostics.error(redacted(error.message), at: place, hint: error.hint.map { redacted($0) })
        } catch {
            diagnostics.error(
                "the \(factory.kind.rawValue) '\(factory.typeName)' can't be made: "
                    + redacted(String(describing: error)), at: place)
        }
        return nil
    }

    /// Tells what is wrong with an option of a mapping.
    mutating func report(_ error: OptionError, in node: DocumentNode) {
        // An index into a list says nothing beside the place.
        let key = error.path.last { Int($0) == nil }.map { "'\($0)': " } ?? ""
        let place = Self.place(of: error.path, isAboutKey: error.isAboutKey, in: node)
        diagnostics.error(key + redacted(error.message), at: place)
    }

    /// Where an option stands: its value, or its key, or the innermost mapping on the way that lacks it.
    private static func place(of path: [String], isAboutKey: Bool, in node: DocumentNode) -> Place {
        var node = node
        for (index, name) in path.enumerated() {
            if isAboutKey, index == path.count - 1, let entry = node.entries?.first(where: { $0.key == name }) {
                return entry.keyPlace
            }
            if let value = node[name] {
                node = value
            } else if case .sequence(let items) = node.content, let index = Int(name), items.indices.contains(index) {
                node = items[index]
            } else {
                return node.missingKeyPlace
            }
        }
        return node.place
    }
}

extension Options {
    /// The options as a plugin takes them: nested plugins as what was made of them.
    fileprivate var withProducts: Options {
        Options(Dictionary(uniqueKeysWithValues: keys.compactMap { key in self[key].map { (key, $0.withProducts) } }))
    }
}

extension OptionValue {
    fileprivate var withProducts: OptionValue {
        switch self {
        case .plugin(let plugin as DecodedPlugin): .plugin(plugin.product)
        case .list(let items): .list(items.map(\.withProducts))
        case .map(let entries): .map(entries.map { ($0.key, $0.value.withProducts) })
        case .object(let options): .object(options.withProducts)
        default: self
        }
    }
}
