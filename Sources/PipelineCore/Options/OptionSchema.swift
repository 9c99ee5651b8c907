/// The options of a plugin or of one part of the configuration: the only description of them.
///
/// It drives decoding, defaults, diagnostics, JSON Schema and `sluice plugins`.
public struct OptionSchema: Sendable {
    public var fields: [OptionField]
    /// What the options ask of each other.
    public var rules: [OptionRule]

    public init(_ fields: [OptionField], rules: [OptionRule] = []) {
        self.fields = fields
        self.rules = rules
    }

    public func field(_ key: String) -> OptionField? { fields.first { $0.key == key } }
}

/// One option.
public struct OptionField: Sendable {
    /// What happens where the option isn't given.
    public enum Presence: Sendable {
        case required
        case optional
        /// The default, written as YAML; it is decoded as if it stood in the file.
        case defaulted(String)
        /// The default goes by the text of another option, which stands before this one; for a text that isn't here there is
        /// none.
        case defaultedBy(String, [(text: String, yaml: String)])
    }

    public var key: String
    public var type: OptionType
    public var presence: Presence
    /// One line for a person.
    public var summary: String
    /// Part of the fingerprint: a resume with another value is refused.
    public var shapesOutput: Bool
    /// It came after a released version: at its default it is no part of the fingerprint, so that runs which that version began
    /// can be gone on with.
    public var cameLater: Bool
    /// What happens at the place that a path names.
    public var place: PlaceRole?
    /// A text that says where something is, such as a URL or a host: a placeholder that was left in it is an error, as it
    /// always is in a path and in a text that has to match a pattern.
    public var isAddress: Bool
    /// The paths that the option takes: a path, those of a list, or the keys of a map, where they are dotted.
    public var pathNames: PathNames?
    /// What is wrong with a value of the type, paths as below the option. Needs no other option.
    public var problems: @Sendable (OptionValue) -> [OptionError] = { _ in [] }
    /// An ECMAScript regular expression that every good text matches, for JSON Schema, where the type says less.
    public var expression: String?

    public init(
        _ key: String, _ type: OptionType, _ presence: Presence, shapesOutput: Bool = false, cameLater: Bool = false,
        place: PlaceRole? = nil, isAddress: Bool = false, _ summary: String
    ) {
        self.key = key
        self.type = type
        self.presence = presence
        self.summary = summary
        self.shapesOutput = shapesOutput
        self.cameLater = cameLater
        self.place = place
        self.isAddress = isAddress
    }
}

extension OptionField {
    /// The same option for paths of these names alone.
    public func naming(_ names: PathNames) -> OptionField {
        var field = self
        field.pathNames = names
        return field
    }

    /// The same option with a check of its value.
    public func checked(_ problems: @escaping @Sendable (OptionValue) -> [OptionError]) -> OptionField {
        var field = self
        field.problems = problems
        return field
    }

    /// The same option with what an editor can see of a good text.
    public func like(_ expression: String) -> OptionField {
        var field = self
        field.expression = expression
        return field
    }
}

/// The type of an option, with its bounds.
public indirect enum OptionType: Sendable {
    /// The scalar's own text, whatever YAML would make of it: `NO`, `0123` and `1e3` stay what was written.
    case text
    /// Text that must match a rule.
    case pattern(TextPattern)
    /// Text that is never printed.
    case secret
    case boolean
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    case enumeration([String])
    /// `500ms`, `20s`, `5m`, `1h`, `1d`
    case duration(ClosedRange<Duration>)
    /// `64KB`, `256MB`, `1GB`, in bytes (powers of 1,024)
    case size(ClosedRange<Int>)
    /// `1%` or a whole number
    case shareOrCount
    /// A path, relative to the pipeline's file. `allowsDash`: `-` is standard input.
    case path(allowsDash: Bool)
    /// Names from the outside in: a dotted string, or a list where a name holds a dot. `"*"` is every name of a map.
    case fieldPath
    case list(OptionType)
    case map(OptionType)
    case object(OptionSchema)
    /// Any value, taken as JSON: what is written as YAML, or text that holds a JSON document.
    case document
    /// A nested plugin, built by the host from the registry and passed in.
    case plugin(PluginKind)
}

/// A rule for a text, with the words that an error uses.
public struct TextPattern: Sendable {
    /// The rule as an ECMAScript regular expression, for JSON Schema.
    public var expression: String
    /// What a value must look like, for a message.
    public var summary: String
    public var accepts: @Sendable (String) -> Bool

    public init(expression: String, summary: String, accepts: @escaping @Sendable (String) -> Bool) {
        self.expression = expression
        self.summary = summary
        self.accepts = accepts
    }
}

/// A limit as part of a whole, or as a plain count.
public enum ShareOrCount: Sendable, Hashable {
    /// 0 … 1
    case share(Double)
    case count(Int)
}
