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
            OptionField(
                "name", .pattern(.name), .optional, "Name of the sink; the type where it isn't given"),
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
            let decoded = withStandIns(wanted == .sinks) {
                $0.decodePlugins(list, kind: .transform, label: "'transforms'")
            }
            if let decoded {
                transforms = decoded
            } else {
                isComplete = false
            }
        }
        let outer = warnsOfPublicSecrets
        warnsOfPublicSecrets = kind == .transform
        let before = diagnostics.errorCount
        let decoded = withStandIns(kind == .sink && wanted == .rows) { $0.decodeFields(own, of: node) }
        warnsOfPublicSecrets = outer
        guard let options = checked(decoded, by: factory.schema, of: node), isComplete,
            diagnostics.errorCount == before
        else { return nil }
        let place = node["type"]?.place ?? node.place
        var context = context
        context.name = name ?? factory.typeName
        guard
            let product = make(
                factory, options, context, node: node, place: place, unknown: decoded.unknown)
        else {
            return nil
        }
        return DecodedPlugin(
            factory: factory, name: context.name,
            namePlace: name == nil ? place : nameNode?.place ?? place,
            isNamed: name != nil, options: options, transforms: transforms, node: node, product: product)
    }

    /// A list of plugins, with what each was made from.
    mutating func decodePlugins(_ node: DocumentNode, kind: PluginKind, label: String)
        -> [DecodedPlugin]?
    {
        guard !node.isNull else {
            diagnostics.error("\(label) has no value", at: node.place, hint: "an empty list is []")
            return nil
        }
        guard case .sequence(let items) = node.content else {
            _ = mismatch(node, .list(.plugin(kind)), label)
            // What is wrong within it is told as well.
            if node["type"] != nil { _ = decodePlugin(node, kind: kind) }
            return nil
        }
        let decoded = items.map { item -> DecodedPlugin? in
            guard !item.isNull else {
                diagnostics.error("an entry of \(label) has no value", at: item.place)
                return nil
            }
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
                "missing option 'type'", at: node.missingKeyPlace,
                hint: "one of " + known.joined(separator: ", "))
            return nil
        }
        let before = absent.count
        guard case .text(let name)? = decode(type, as: .text, label: "'type'"), absent.count == before
        else { return nil }
        if let factory = registry.factory(kind, name) { return factory }
        let hint =
            known.isEmpty
            ? "this program has none"
            : otherMeaning(of: name, kind) ?? Suggestion.hint(for: name, among: known)
        diagnostics.error(
            "unknown \(kind.rawValue) type '\(redacted(name))'", at: type.place, hint: hint)
        return nil
    }

    /// What a name that is no type of this kind is, where it is something else.
    private func otherMeaning(of name: String, _ kind: PluginKind) -> String? {
        let factories = registry.factories.filter { $0.kind == kind }
        for factory in factories {
            for case .enumeration(let choices) in factory.schema.fields.map(\.type)
            where choices.contains(name) {
                let field = factory.schema.fields.first {
                    if case .enumeration(choices) = $0.type { true } else { false }
                }
                return field.map { "write type: \(factory.typeName) with \($0.key): \(name)" }
            }
        }
        guard let other = registry.factories.first(where: { $0.typeName == name })?.kind else {
            return nil
        }
        for factory in factories {
            for field in factory.schema.fields {
                guard case .plugin(other) = field.type else { continue }
                return "it is a \(other.rawValue), for the option '\(field.key)' of '\(factory.typeName)'"
            }
        }
        return "it is a \(other.rawValue)"
    }

    private mutating func make(
        _ factory: PluginFactory, _ options: Options, _ context: PluginContext, node: DocumentNode,
        place: Place,
        unknown: Set<String>
    ) -> (any Sendable)? {
        var context = context
        let gate = WarningGate(later: context.warn)
        context.warn = { gate.tell($0) }
        defer {
            let warnings = gate.open()
            // What stands in, or isn't going to be used, is nothing to be warned of.
            if !interpolation.standsIn {
                for warning in warnings { diagnostics.warning(redacted(warning), at: place) }
            }
        }
        do {
            return try factory.make(options.withProducts, context)
        } catch let error as OptionError {
            return report([error], in: node, factory.kind, unknown)
        } catch let errors as OptionErrors {
            return report(errors.errors, in: node, factory.kind, unknown)
        } catch _ where interpolation.standsIn {
            return factory.kind.absentProduct
        } catch let error as PipelineError {
            diagnostics.error(redacted(error.message), at: place, hint: error.hint.map { redacted($0) })
        } catch {
            diagnostics.error(
                "the \(factory.kind.rawValue) '\(factory.typeName)' can't be made: "
                    + redacted(String(describing: error)), at: place)
        }
        return nil
    }

    /// Tells what is wrong with a plugin's options; what stands in for it where that is the environment's alone.
    private mutating func report(
        _ errors: [OptionError], in node: DocumentNode, _ kind: PluginKind, _ unknown: Set<String>
    ) -> (any Sendable)? {
        // What the file doesn't say, the environment should have said.
        let told = errors.filter { error in
            guard interpolation.standsIn, let key = error.path.first else { return true }
            return !unknown.contains(key) && node[key] != nil
        }
        for error in told { report(error, in: node) }
        return told.isEmpty ? kind.absentProduct : nil
    }

    /// Tells what is wrong with an option of a mapping.
    mutating func report(_ error: OptionError, in node: DocumentNode) {
        // An index into a list says nothing beside the place; of a key of the user's own, the message says what it is.
        let key = (error.isAboutKey ? error.path.dropLast() : error.path[...]).last { Int($0) == nil }
        let place = Self.place(of: error.path, isAboutKey: error.isAboutKey, in: node)
        diagnostics.error((key.map { "'\($0)': " } ?? "") + redacted(error.message), at: place)
    }

    /// Where an option stands: its value, or its key, or the innermost mapping on the way that lacks it.
    private static func place(of path: [String], isAboutKey: Bool, in node: DocumentNode) -> Place {
        var node = node
        for (index, name) in path.enumerated() {
            if isAboutKey, index == path.count - 1,
                let entry = node.entries?.first(where: { $0.key == name })
            {
                return entry.keyPlace
            }
            if let value = node[name] {
                node = value
            } else if case .sequence(let items) = node.content, let index = Int(name),
                items.indices.contains(index)
            {
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
        Options(
            Dictionary(
                uniqueKeysWithValues: keys.compactMap { key in self[key].map { (key, $0.withProducts) } }))
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
