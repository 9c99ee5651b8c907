/// The kinds of plugin; each has its place in the configuration.
public enum PluginKind: String, Sendable, Hashable, CaseIterable {
    /// Makes `any UserReader`.
    case userReader = "user reader"
    /// Makes `SourcePlan`.
    case source
    /// Makes `any Transform`.
    case transform
    /// Makes `any Sink`.
    case sink
}

/// A source as the configuration describes it.
public enum SourcePlan: Sendable {
    /// IDs that are looked up one by one; the engine joins them in order.
    case lookup(reader: any UserReader, lookup: any UserLookup, concurrency: Int)
    /// Records that hold their endpoints already.
    case archive(reader: any ArchiveReader, decoder: any RecordDecoder, conflict: ConflictPolicy)
}

extension SourcePlan {
    /// Whether IDs are looked up, so that what failed can be asked for again.
    public var isList: Bool { lookup != nil }

    /// Which of two rows with one endpoint's key counts.
    public var conflict: ConflictPolicy {
        switch self {
        case .lookup: .last
        case .archive(_, _, let conflict): conflict
        }
    }

    /// The application that all endpoints belong to; nil where an archive's records say it.
    public var applicationID: String? {
        switch self {
        case .lookup(_, let lookup, _): lookup.applicationID
        case .archive(_, let decoder, _): decoder.applicationID
        }
    }

    /// What is asked while the run goes on; nil where the records are complete as they are read.
    public var lookup: (any UserLookup)? {
        switch self {
        case .lookup(_, let lookup, _): lookup
        case .archive: nil
        }
    }

    /// Records in a batch where the configuration doesn't say: at the API's pace a batch of users takes a second or two,
    /// and an archive's lines are small and come fast.
    public var standardBatchSize: Int {
        switch self {
        case .lookup: 500
        case .archive: 10_000
        }
    }
}

/// A plugin: a value with a name and an option schema, made from options.
public protocol Plugin: SendableMetatype {
    associatedtype Product: Sendable
    static var kind: PluginKind { get }
    /// The name that stands after `type:`.
    static var typeName: String { get }
    /// One line for `sluice plugins`.
    static var summary: String { get }
    /// Without `type`, which the host adds. For a sink without `name` and `transforms`, which the host adds too.
    static var schema: OptionSchema { get }
    /// Opens nothing: what is made may be dropped unused, when another part of the configuration is wrong or is only
    /// checked.
    ///
    /// - Throws: `OptionError` for what the schema can't say.
    static func make(_ options: Options, _ context: PluginContext) throws -> Product
}

/// What a plugin is told when it is made.
public struct PluginContext: Sendable {
    /// The pipeline's name.
    public var pipeline: String
    /// The name that the configuration gives this plugin, else its type.
    public var name: String
    /// Absolute; the folder for spools and locks. It may not exist yet.
    public var stateDirectory: String
    /// The process's environment.
    public var environment: [String: String]
    /// The program's version.
    public var version: String
    /// Of how many shards this process runs one: it gets that part of every rate. 1 where the run isn't sharded.
    public var shards: Int
    /// Members of an endpoint that the run goes by, from the outside in: a transform that hides one of them is refused.
    public var neededMembers: [[String]] = []
    /// Takes a warning for the log.
    public var warn: @Sendable (String) -> Void

    public init(
        pipeline: String, name: String, stateDirectory: String, environment: [String: String], version: String,
        shards: Int = 1, warn: @escaping @Sendable (String) -> Void
    ) {
        self.pipeline = pipeline
        self.name = name
        self.stateDirectory = stateDirectory
        self.environment = environment
        self.version = version
        self.shards = shards
        self.warn = warn
    }
}

/// A plugin's type, erased.
public struct PluginFactory: Sendable {
    public let kind: PluginKind
    public let typeName: String
    public let summary: String
    public let schema: OptionSchema
    public let make: @Sendable (Options, PluginContext) throws -> any Sendable

    public init<P: Plugin>(_ plugin: P.Type) {
        self.init(plugin) { options, context in try P.make(options, context) }
    }

    /// A plugin that is made with more than its options and context: a host hands in a log, a clock, a client.
    public init<P: Plugin>(
        _ plugin: P.Type, make: @escaping @Sendable (Options, PluginContext) throws -> P.Product
    ) {
        kind = P.kind
        typeName = P.typeName
        summary = P.summary
        schema = P.schema
        self.make = { options, context in try make(options, context) }
    }
}

/// The plugins that a host knows: a value, passed explicitly.
public struct PluginRegistry: Sendable {
    /// In order of registration.
    public private(set) var factories: [PluginFactory] = []

    public init() {}

    /// - Precondition: no plugin of this kind and name is registered yet.
    public mutating func register<P: Plugin>(_ plugin: P.Type) { register(PluginFactory(plugin)) }

    /// - Precondition: no plugin of this kind and name is registered yet.
    public mutating func register(_ factory: PluginFactory) {
        precondition(
            self.factory(factory.kind, factory.typeName) == nil,
            "\(factory.kind.rawValue) '\(factory.typeName)' is registered twice")
        factories.append(factory)
    }

    public func factory(_ kind: PluginKind, _ typeName: String) -> PluginFactory? {
        factories.first { $0.kind == kind && $0.typeName == typeName }
    }

    public func typeNames(_ kind: PluginKind) -> [String] {
        factories.filter { $0.kind == kind }.map(\.typeName)
    }
}
