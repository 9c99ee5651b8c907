/// Decoded options: each present key with a value of its schema's type, defaults filled in.
public struct Options: Sendable {
    private let values: [String: OptionValue]

    public init(_ values: [String: OptionValue]) { self.values = values }

    /// The same options with one more, or with another value for one of them.
    public func setting(_ key: String, to value: OptionValue) -> Options {
        Options(values.merging([key: value]) { _, new in new })
    }

    public subscript(_ key: String) -> OptionValue? { values[key] }
    public var keys: Dictionary<String, OptionValue>.Keys { values.keys }

    // A schema that makes a key required or gives it a default makes these succeed; nil is for optional keys.

    public func text(_ key: String) -> String? {
        switch values[key] {
        case .text(let value): value
        default: nil
        }
    }

    public func secret(_ key: String) -> Secret? {
        if case .secret(let value) = values[key] { value } else { nil }
    }

    public func boolean(_ key: String) -> Bool? {
        if case .boolean(let value) = values[key] { value } else { nil }
    }

    public func integer(_ key: String) -> Int? {
        if case .integer(let value) = values[key] { value } else { nil }
    }

    public func number(_ key: String) -> Double? {
        switch values[key] {
        case .number(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
    }

    public func duration(_ key: String) -> Duration? {
        if case .duration(let value) = values[key] { value } else { nil }
    }

    public func size(_ key: String) -> Int? {
        if case .size(let value) = values[key] { value } else { nil }
    }

    public func shareOrCount(_ key: String) -> ShareOrCount? {
        if case .shareOrCount(let value) = values[key] { value } else { nil }
    }

    public func path(_ key: String) -> PathOption? {
        if case .path(let value) = values[key] { value } else { nil }
    }

    public func names(_ key: String) -> [String]? {
        if case .fieldPath(let value) = values[key] { value } else { nil }
    }

    public func list(_ key: String) -> [OptionValue]? {
        if case .list(let value) = values[key] { value } else { nil }
    }

    public func options(_ key: String) -> Options? {
        if case .object(let value) = values[key] { value } else { nil }
    }

    /// A nested plugin of the type that its kind makes.
    public func plugin<Product>(_ key: String, as type: Product.Type = Product.self) -> Product? {
        if case .plugin(let value) = values[key] { value as? Product } else { nil }
    }
}

/// One decoded value.
public indirect enum OptionValue: Sendable {
    case text(String)
    case secret(Secret)
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case duration(Duration)
    case size(Int)
    case shareOrCount(ShareOrCount)
    case path(PathOption)
    case fieldPath([String])
    case list([OptionValue])
    /// Keys in the order of the file.
    case map([(key: String, value: OptionValue)])
    case object(Options)
    /// One JSON value.
    case document(String)
    /// What the plugin's factory made.
    case plugin(any Sendable)
}

/// A path as it was written and as it is opened.
public struct PathOption: Sendable, Hashable {
    public var written: String
    /// Absolute; relative paths are relative to the pipeline's file. `-` stays `-`.
    public var resolved: String

    public init(written: String, resolved: String) {
        self.written = written
        self.resolved = resolved
    }
}

/// What is wrong with an option, by its key; the host adds file, line and column.
public struct OptionError: Error, Sendable, Equatable {
    /// The key, or keys from the outside in, of the option at fault.
    public var path: [String]
    /// Without the key, which the host puts in front: `'column': must be a number where there is no header`.
    /// The host takes secrets and values from the environment out.
    public var message: String
    /// What is wrong is the key itself, in a mapping whose keys are the user's own, and not its value.
    public var isAboutKey = false

    public init(_ key: String, _ message: String) {
        path = [key]
        self.message = message
    }

    public init(path: [String], _ message: String) {
        self.path = path
        self.message = message
    }
}
