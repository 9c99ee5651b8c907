internal import PipelineCore

extension OptionDecoder {
    /// The columns that `flatten` names; nil, with diagnostics, where one can't be.
    ///
    /// - Parameter problems: what the layout has to say about them.
    mutating func decodeColumns(
        _ flatten: Options, _ root: DocumentNode, problems: ([PulledColumn]) -> [OptionError]
    ) -> [PulledColumn]? {
        guard let values = flatten.list("columns"), let node = root["flatten"] else { return [] }
        var errors: [OptionError] = []
        var columns: [PulledColumn] = []
        for (place, value) in values.enumerated() {
            guard case .object(let options) = value, let name = options.text("name"),
                let path = options.names("from"), let form = options.text("as")
            else { continue }
            let separator = options.text("separator")
            if let separator {
                let option = ["columns", String(place), "separator"]
                if separator.utf8.contains(0) { errors.append(OptionError(path: option, "holds U+0000")) }
            }
            columns.append(
                PulledColumn(name: name, path: path, form: Self.form(form, separator: separator ?? ",")))
        }
        errors += problems(columns)
        for error in errors { report(error, in: node) }
        return errors.isEmpty ? columns : nil
    }

    private static func form(_ name: String, separator: String) -> PulledColumn.Form {
        switch name {
        case "first": .first
        case "joined": .joined(separator: separator)
        case "number": .number
        default: .json
        }
    }
}
