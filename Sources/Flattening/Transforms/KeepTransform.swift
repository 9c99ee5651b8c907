public import PipelineCore

/// An allow list: takes out of endpoints whatever it doesn't name.
///
/// IDs stay, and so does EffectiveDate where it is a date: newer and older are told by it. A map on the way to a named
/// member keeps nothing but that member; where the answer has something else in the map's place, nothing of it stays.
public struct KeepTransform: Transform, Plugin {
    public static let kind = PluginKind.transform
    public static let typeName = "keep"
    public static let summary = "Takes out of endpoints all but IDs, EffectiveDate and the members that it names."
    public static let schema = OptionSchema(
        [
            OptionField(
                "paths", .list(.fieldPath), .required,
                "The members that stay, such as ChannelType, Location.Country or [Attributes, e.mail]; \"*\" is every name of "
                    + "a map."
            ).naming(EndpointModel.paths)
        ], rules: [MemberPath.ruleOfList("paths")])

    /// A member that stays, by the UTF-8 of the names on the way to it; nil is every name.
    private struct Kept: Sendable {
        var names: ArraySlice<[UInt8]?>
        /// It wasn't named, and stays where it is a date.
        var isImplied = false

        init(_ names: [String], isImplied: Bool = false) {
            self.names = names.map { $0 == "*" ? nil : Array($0.utf8) }[...]
            self.isImplied = isImplied
        }

        /// What stays within a member; nil where the member isn't on the way.
        func below(_ name: [UInt8]) -> Kept? {
            guard let first = names.first, first == nil || first == name else { return nil }
            var result = self
            result.names = names.dropFirst()
            return result
        }
    }

    private let kept: [Kept]

    public static func make(_ options: Options, _ context: PluginContext) throws -> any Transform {
        try schema.requireRules(options)
        let named = try MemberPath.list(options, "paths").map(\.names)
        return KeepTransform(
            kept: named.map { Kept($0) } + MemberPath.ids.map { Kept($0) } + [
                Kept(["EffectiveDate"], isImplied: true)
            ],
            namedMembers: named)
    }

    public var hidesValues: Bool { true }
    public var mayTakeOut: Bool { false }
    public let namedMembers: [[String]]

    public func apply(to endpoints: inout EndpointTape) {
        for endpoint in endpoints.allIndexes { Self.edit(endpoint, kept, .endpoint, &endpoints.tape) }
    }

    /// Takes out of a map what doesn't stay.
    ///
    /// - Returns: Whether something does.
    @discardableResult
    private static func edit(_ map: Int, _ kept: [Kept], _ model: EndpointModel?, _ tape: inout JSONTape) -> Bool {
        // By their places: whoever holds a node while the tape is edited copies the tape.
        let members = tape.value(at: map).nameBytes.map { (name: $0.name, value: $0.value.index) }
        var isLeft = false
        for (name, value) in members {
            let below = kept.compactMap { $0.below(name) }
            let member = model?.member(name)
            let stays =
                if below.contains(where: { $0.names.isEmpty }) {
                    isNamed(below, tape.value(at: value), member) || model?.isID(name) == true
                } else {
                    !below.isEmpty && tape.value(at: value).kind == .object && edit(value, below, member, &tape)
                }
            if stays { isLeft = true } else { tape.dropMember(value) }
        }
        return isLeft
    }

    /// Whether a value is what was named, and nothing that stands in its place.
    private static func isNamed(_ kept: [Kept], _ value: JSONNode, _ model: EndpointModel?) -> Bool {
        if !kept.contains(where: { $0.names.isEmpty && !$0.isImplied }) {
            guard let text = value.textBytes else { return false }
            return text.withUnsafeBufferPointer { DateText($0).canonical != nil }
        }
        // A member without members that has some has them from who knows where.
        if case .value = model { return !holdsMap(value) }
        return true
    }

    private static func holdsMap(_ value: JSONNode) -> Bool {
        value.kind == .object || value.elements.contains(where: holdsMap)
    }
}

extension EndpointModel {
    /// The model of a member; nil where the service documents none of this name.
    fileprivate func member(_ name: [UInt8]) -> EndpointModel? {
        switch self {
        case .value: nil
        case .named: .value
        case .map(let members): members.first { name.elementsEqual($0.key.utf8) }?.value
        }
    }

    /// A record is found by it: one whose Id is no text fails as it would without the transform.
    fileprivate func isID(_ name: [UInt8]) -> Bool {
        guard case .map(let members) = self else { return false }
        return name.elementsEqual("Id".utf8) && members.contains { $0.key == "Id" }
    }
}
