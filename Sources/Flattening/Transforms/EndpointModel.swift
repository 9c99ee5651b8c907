internal import PipelineCore

/// The members of an endpoint as the service documents them: what a path can lead to.
indirect enum EndpointModel {
    /// Text or a number, or a list of texts: no member is below it.
    case value
    /// A map with these members.
    case map(KeyValuePairs<String, EndpointModel>)
    /// A map whose names are the user's own.
    case named

    static let endpoint = EndpointModel.map([
        "Address": .value, "ApplicationId": .value, "Attributes": .named, "ChannelType": .value, "CohortId": .value,
        "CreationDate": .value,
        "Demographic": .map([
            "AppVersion": .value, "Locale": .value, "Make": .value, "Model": .value, "ModelVersion": .value,
            "Platform": .value, "PlatformVersion": .value, "Timezone": .value,
        ]),
        "EffectiveDate": .value, "EndpointStatus": .value, "Id": .value,
        "Location": .map([
            "City": .value, "Country": .value, "Latitude": .value, "Longitude": .value, "PostalCode": .value,
            "Region": .value,
        ]),
        "Metrics": .named, "OptOut": .value, "RequestId": .value,
        "User": .map(["UserAttributes": .named, "UserId": .value]),
    ])

    /// Why no value can stand at a path, for a message; nil where one can.
    ///
    /// - Parameter allowsUnknown: a name that the model doesn't have may be a member that is new.
    func problem(with path: [String], allowsUnknown: Bool) -> String? {
        var model = self
        for (place, name) in path.enumerated() {
            switch model {
            case .value:
                let parent = path.prefix(place).joined(separator: ".")
                return "'\(path.joined(separator: "."))' can't exist: \(parent) has no members"
            case .named: model = .value
            case .map(let members):
                if name == "*" {
                    // What one of them is, the path can lead to.
                    let rest = Array(path[(place + 1)...])
                    let problems = members.map { $0.value.problem(with: rest, allowsUnknown: allowsUnknown) }
                    return problems.contains(nil)
                        ? nil : "'\(path.joined(separator: "."))' can't exist: no member has such members"
                }
                guard let member = members.first(where: { $0.key == name }) else {
                    if allowsUnknown { return nil }
                    let parent = place == 0 ? "an endpoint" : path.prefix(place).joined(separator: ".")
                    let known = members.map(\.key)
                    let hint =
                        Suggestion.nearest(to: name, among: known).map { "did you mean '\($0)'?" }
                        ?? "it has " + known.joined(separator: ", ")
                    return "\(parent) has no '\(name)' (\(hint))"
                }
                model = member.value
            }
        }
        return nil
    }

    /// The paths that lead to something, for the options that name them.
    static let paths = PathNames(root: endpoint.names) { endpoint.problem(with: $0, allowsUnknown: false) }

    private var names: PathNames.Node {
        switch self {
        case .value: .end
        case .named: .anyName
        case .map(let members): .members(members.map { ($0.key, $0.value.names) })
        }
    }
}
