internal import PipelineCore

/// A file or folder that a pipeline names, and what happens there.
struct PlannedPlace: Sendable {
    enum Owner: Sendable, Hashable {
        case source
        /// By its place in the list.
        case sink(Int)
        case report
        case stateDirectory
        /// The pipeline's own file.
        case pipeline
        /// A file that a reference of the pipeline takes a value from.
        case reference
    }

    var owner: Owner
    /// For messages: "sink 'x'".
    var label: String
    var role: PlaceRole
    var file: FilePlace
    /// What a role of files in a way of the plugin's own stands for.
    var inputs: InputFiles?
    /// Where it stands in the pipeline's file; nil for what doesn't.
    var place: Place?

    var isOutput: Bool {
        switch role {
        case .input, .inputs: false
        case .outputFile, .outputFolder: true
        }
    }
}

extension DecodedPlugin {
    /// The places that the plugin, and those nested in it, name in their options.
    func places(of owner: PlannedPlace.Owner, label: String) -> [PlannedPlace] {
        Self.places(options, factory.schema, node, owner, label)
    }

    private static func places(
        _ options: Options, _ schema: OptionSchema, _ node: DocumentNode, _ owner: PlannedPlace.Owner, _ label: String
    ) -> [PlannedPlace] {
        schema.fields.flatMap { field -> [PlannedPlace] in
            guard let value = options[field.key] else { return [] }
            let valueNode = node[field.key]
            let place = valueNode?.place ?? node.missingKeyPlace
            switch (value, field.type) {
            case (.path(let path), _):
                let role = field.place ?? .input
                var inputs: InputFiles?
                if case .inputs(let files) = role { inputs = files(options) }
                return [
                    PlannedPlace(
                        owner: owner, label: label, role: role, file: FilePlace(inputs?.base ?? path.resolved),
                        inputs: inputs, place: place)
                ]
            case (.list(let values), _):
                return values.compactMap { value in
                    guard case .path(let path) = value else { return nil }
                    return PlannedPlace(
                        owner: owner, label: label, role: .input, file: FilePlace(path.resolved), place: place)
                }
            case (.object(let options), .object(let schema)):
                return places(options, schema, valueNode ?? node, owner, label)
            case (.plugin(let plugin as DecodedPlugin), _): return plugin.places(of: owner, label: label)
            default: return []
            }
        }
    }
}
