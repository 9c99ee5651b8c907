internal import PipelineCore

/// A file or folder that a pipeline names, with where it stands in the pipeline's file.
struct LocatedPlace: Sendable {
    var planned: PlannedPlace
    /// Nil for what doesn't stand there.
    var place: Place?
}

extension DecodedPlugin {
    /// The places that the plugin, and those nested in it, name in their options.
    func places(of owner: PlannedPlace.Owner, label: String) -> [LocatedPlace] {
        Self.places(options, factory.schema, node, owner, label)
    }

    private static func places(
        _ options: Options, _ schema: OptionSchema, _ node: DocumentNode, _ owner: PlannedPlace.Owner, _ label: String
    ) -> [LocatedPlace] {
        schema.fields.flatMap { field -> [LocatedPlace] in
            guard let value = options[field.key] else { return [] }
            let valueNode = node[field.key]
            let place = valueNode?.place ?? node.missingKeyPlace
            switch (value, field.type) {
            case (.path(let path), _):
                let role = field.place ?? .input
                var inputs: InputFiles?
                if case .inputs(let files) = role { inputs = files(options) }
                return [
                    LocatedPlace(
                        planned: PlannedPlace(
                            owner: owner, label: label, role: role, path: inputs?.base ?? path.resolved, inputs: inputs),
                        place: place)
                ]
            case (.list(let values), _):
                return values.compactMap { value in
                    guard case .path(let path) = value else { return nil }
                    return LocatedPlace(
                        planned: PlannedPlace(owner: owner, label: label, role: .input, path: path.resolved),
                        place: place)
                }
            case (.object(let options), .object(let schema)):
                return places(options, schema, valueNode ?? node, owner, label)
            case (.plugin(let plugin as DecodedPlugin), _): return plugin.places(of: owner, label: label)
            default: return []
            }
        }
    }
}
