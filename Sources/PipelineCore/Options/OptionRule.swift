/// What a schema's options ask of each other: that one needs another one, or can't stand beside it.
///
/// A rule is the only description of it: a host checks it before it makes the plugin, and JSON Schema tells editors of it.
public struct OptionRule: Sendable {
    /// What holds of one option.
    public enum Condition: Sendable {
        /// It is given, or has a default.
        case given(String)
        case missing(String)
        /// Its text is one of these.
        case isOneOf(String, [String])
        case isBoolean(String, Bool)
        /// Its text is like this: a text's, a path's as it was written, a path of names' with dots.
        case isLike(String, TextPattern)
    }

    /// What must hold where all conditions do.
    public enum Demand: Sendable {
        case given(String)
        case missing(String)
        /// A list or a map has at least one entry.
        case notEmpty(String)
        /// Each list that is a value of a map has at least one entry.
        case valuesNotEmpty(String)
        /// A list of paths doesn't have this one.
        case without(String, path: [String])
        /// A whole number is one of these.
        case within(String, ClosedRange<Int>)
    }

    public var conditions: [Condition]
    public var demand: Demand
    /// What is wrong, without the key, which the host puts before it.
    public var message: @Sendable (Options) -> String

    public init(
        _ demand: Demand, where conditions: [Condition] = [], _ message: @autoclosure @escaping @Sendable () -> String
    ) {
        self.init(demand, where: conditions) { _ in message() }
    }

    public init(
        _ demand: Demand, where conditions: [Condition] = [], message: @escaping @Sendable (Options) -> String
    ) {
        self.conditions = conditions
        self.demand = demand
        self.message = message
    }

    /// The options that the rule is about.
    var keys: [String] {
        let demanded =
            switch demand {
            case .given(let key), .missing(let key), .notEmpty(let key), .valuesNotEmpty(let key),
                .without(let key, path: _), .within(let key, _):
                key
            }
        return [demanded]
            + conditions.map { condition in
                switch condition {
                case .given(let key), .missing(let key), .isOneOf(let key, _), .isBoolean(let key, _),
                    .isLike(let key, _):
                    key
                }
            }
    }

    /// What is wrong with these options by this rule.
    func violations(in options: Options) -> [OptionError] {
        guard conditions.allSatisfy({ $0.holds(in: options) }) else { return [] }
        switch demand {
        case .given(let key): return options[key] == nil ? [OptionError(key, message(options))] : []
        case .missing(let key): return options[key] != nil ? [OptionError(key, message(options))] : []
        case .notEmpty(let key): return options[key]?.isEmpty == true ? [OptionError(key, message(options))] : []
        case .valuesNotEmpty(let key):
            guard case .map(let entries) = options[key] else { return [] }
            return entries.filter(\.value.isEmpty).map { OptionError(path: [key, $0.key], message(options)) }
        case .without(let key, let path):
            return (options.list(key) ?? []).enumerated().compactMap { place, value in
                guard case .fieldPath(path) = value else { return nil }
                return OptionError(path: [key, String(place)], message(options))
            }
        case .within(let key, let range):
            guard let number = options.integer(key), !range.contains(number) else { return [] }
            return [OptionError(key, message(options))]
        }
    }
}

extension OptionRule.Condition {
    fileprivate func holds(in options: Options) -> Bool {
        switch self {
        case .given(let key): options[key] != nil
        case .missing(let key): options[key] == nil
        case .isOneOf(let key, let texts): options[key]?.writtenText.map(texts.contains) ?? false
        case .isBoolean(let key, let flag): options.boolean(key) == flag
        case .isLike(let key, let pattern): options[key]?.writtenText.map(pattern.accepts) ?? false
        }
    }
}

extension OptionValue {
    fileprivate var writtenText: String? {
        switch self {
        case .text(let text): text
        case .path(let path): path.written
        case .fieldPath(let names): names.joined(separator: ".")
        default: nil
        }
    }

    fileprivate var isEmpty: Bool {
        switch self {
        case .list(let items): items.isEmpty
        case .map(let entries): entries.isEmpty
        default: false
        }
    }
}

extension OptionSchema {
    /// What is wrong with options by the schema's rules.
    ///
    /// - Parameter unknown: options that were given and couldn't be decoded: what is about them isn't judged.
    public func violations(in options: Options, unknown: Set<String> = []) -> [OptionError] {
        var errors: [OptionError] = []
        for rule in rules where unknown.isDisjoint(with: rule.keys) {
            // Two rules may lead to one error.
            for error in rule.violations(in: options) where !errors.contains(error) { errors.append(error) }
        }
        return errors
    }

    /// For what makes plugins without a host.
    ///
    /// - Throws: `OptionError` or `OptionErrors` where options are at odds with the schema's rules.
    public func requireRules(_ options: Options) throws { try OptionErrors.requireNone(violations(in: options)) }
}

/// All that is wrong with a plugin's options, where there may be more than one thing.
public struct OptionErrors: Error, Sendable, Equatable {
    /// At least one.
    public var errors: [OptionError]

    public init(_ errors: [OptionError]) { self.errors = errors }

    /// - Throws: `OptionError` where there is one, `OptionErrors` where there are several.
    public static func requireNone(_ errors: [OptionError]) throws {
        if let only = errors.first, errors.count == 1 { throw only }
        if !errors.isEmpty { throw OptionErrors(errors) }
    }
}
