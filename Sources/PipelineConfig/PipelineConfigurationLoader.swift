public import PipelineCore

/// Reads a pipeline's file: YAML, to typed options, to plugins, with everything that is wrong told at once.
///
/// Plugins are made from their options as soon as those are right, even where another part of the file is wrong; what
/// was made is dropped then. So making a plugin must not open anything.
public struct PipelineConfigurationLoader: Sendable {
    private let registry: PluginRegistry
    private let environment: [String: String]
    private let version: String
    private let shards: Int
    private let stateDirectory: String?
    private let columnProblems: @Sendable ([PulledColumn], TableLayout) -> [OptionError]
    private let placeConflicts: @Sendable ([PlannedPlace], _ pipeline: String) -> [PlaceConflict]
    private let warn: @Sendable (String) -> Void

    /// - Parameters:
    ///   - environment: the process's, for `${NAME}` and for plugins.
    ///   - version: the program's, for plugins.
    ///   - shards: of how many shards the process runs one, for plugins.
    ///   - stateDirectory: absolute; counts in place of the configured one, where nothing is to be left behind.
    ///   - columnProblems: what is wrong with columns that are pulled out of endpoints, in a layout; paths as below
    ///     `flatten`.
    ///   - placeConflicts: compares the places that a pipeline of this name reads and writes; of two, the later one in the
    ///     list is at fault.
    ///   - warn: takes the plugins' warnings.
    public init(
        registry: PluginRegistry, environment: [String: String], version: String, shards: Int = 1,
        stateDirectory: String? = nil,
        columnProblems: @escaping @Sendable ([PulledColumn], TableLayout) -> [OptionError] = { _, _ in [] },
        placeConflicts: @escaping @Sendable ([PlannedPlace], _ pipeline: String) -> [PlaceConflict] = { _, _ in [] },
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.registry = registry
        self.environment = environment
        self.version = version
        self.shards = shards
        self.stateDirectory = stateDirectory
        self.columnProblems = columnProblems
        self.placeConflicts = placeConflicts
        self.warn = warn
    }

    /// The pipeline in a file. Relative paths in it begin at the file's folder.
    public func load(path: String) throws(ConfigurationErrors) -> PipelineConfiguration {
        let bytes: [UInt8]
        do throws(FileContents.ReadError) {
            bytes = try FileContents.read(path, limit: DocumentText.maximumBytes)
        } catch {
            let diagnostic = Diagnostic(.error, file: path, at: nil, "the file can't be read: \(error.reason)")
            throw ConfigurationErrors(kind: .noInput, [diagnostic])
        }
        return try load(bytes, path: path)
    }

    /// The pipeline in a text, as if it stood in a file with this path, which need not exist.
    public func load(_ bytes: [UInt8], path: String) throws(ConfigurationErrors) -> PipelineConfiguration {
        var diagnostics = DiagnosticCollector(file: path)
        guard let document = PipelineDocument(bytes, diagnostics: &diagnostics) else {
            throw ConfigurationErrors(diagnostics.sorted)
        }
        let folder = FileContents.folder(of: path)
        var decoder = OptionDecoder(
            registry: registry, interpolation: Interpolation(environment: environment, folder: folder),
            diagnostics: diagnostics,
            context: PluginContext(
                pipeline: "", name: "", stateDirectory: folder, environment: environment, version: version,
                shards: shards, warn: warn))
        let configuration = decoder.decodePipeline(
            document.root, file: path, stateDirectory: stateDirectory, columnProblems: columnProblems,
            placeConflicts: placeConflicts)
        guard var configuration, !decoder.diagnostics.hasErrors else {
            throw ConfigurationErrors(decoder.diagnostics.sorted)
        }
        configuration.warnings = decoder.diagnostics.sorted
        return configuration
    }

    /// What is wrong with a file, and warnings; empty where all is well.
    public func validate(path: String) -> [Diagnostic] {
        do throws(ConfigurationErrors) {
            return try load(path: path).warnings
        } catch {
            return error.diagnostics
        }
    }
}

extension OptionDecoder {
    /// The top level. Plugins come last, because they are told the pipeline's name and its state directory.
    fileprivate mutating func decodePipeline(
        _ root: DocumentNode, file: String, stateDirectory: String?,
        columnProblems: ([PulledColumn], TableLayout) -> [OptionError],
        placeConflicts: ([PlannedPlace], _ pipeline: String) -> [PlaceConflict]
    ) -> PipelineConfiguration? {
        let fields = PipelineSchema.schema.fields
        topLevelKeys = fields.map(\.key)
        guard root.entries != nil else {
            diagnostics.error(
                "a pipeline must be a mapping, not \(root.kindName)", at: root.place,
                hint: "begin with 'pipeline: name'")
            return nil
        }
        checkKeys(of: root, known: topLevelKeys)
        let plain = decodeFields(fields.filter { !$0.type.containsPlugin }, of: root).map(Options.init)
        if let plain {
            context.pipeline = plain.text("pipeline") ?? ""
            context.stateDirectory =
                stateDirectory ?? plain.path("state_directory")?.resolved ?? context.stateDirectory
        }
        let flatten = plain?.options("flatten")
        let layout = flatten?.text("layout").flatMap(TableLayout.init)
        let columns: [PulledColumn]? = flatten.flatMap { flatten in
            layout.flatMap { layout in
                decodeColumns(flatten, root) { columnProblems($0, layout) }
            }
        }
        let source = decodeSource(root)
        if let plan = source?.product as? SourcePlan, plan.conflict == .newest {
            context.neededMembers = [["EffectiveDate"]]
        }
        let transforms = root["transforms"].map { decodePlugins($0, kind: .transform, label: "'transforms'") } ?? []
        let sinks = decodeSinks(root)
        if let plain, let source, let sinks {
            checkPlaces(
                root, file: file, source: source, sinks: sinks, report: plain.options("report")?.path("json"),
                state: stateDirectory == nil ? plain.path("state_directory") : nil, conflicts: placeConflicts)
        }
        guard let plain, let source, let transforms, let sinks,
            let plan = source.product as? SourcePlan,
            let layout, let columns,
            let limits = plain.options("limits").flatMap(RunLimits.init),
            let onChangedInput = plain.text("on_changed_input").flatMap(ChangedInputPolicy.init),
            let onNewColumns = plain.text("on_new_columns").flatMap(NewColumnsPolicy.init)
        else { return nil }
        let tests = decodeTests(plain.list("tests") ?? [], root, sinks: sinks.map(\.name))
        let batchSize = plain.integer("batch_size") ?? plan.standardBatchSize
        return PipelineConfiguration(
            pipeline: context.pipeline, file: file, sourceTypeName: source.factory.typeName, source: plan,
            transforms: transforms.compactMap { $0.product as? any Transform },
            sinks: sinks.compactMap { sink in
                guard let product = sink.product as? any Sink else { return nil }
                return PipelineConfiguration.ConfiguredSink(
                    name: sink.name, typeName: sink.factory.typeName, sink: product,
                    transforms: sink.transforms.compactMap { $0.product as? any Transform })
            },
            layout: layout, columns: columns, batchSize: batchSize, limits: limits, onChangedInput: onChangedInput,
            onNewColumns: onNewColumns, reportPath: plain.options("report")?.path("json")?.resolved,
            tests: tests, stateDirectory: context.stateDirectory, warnings: [],
            shaping: OutputShaping(
                values: plain.setting("batch_size", to: .integer(batchSize)), source: source, transforms: transforms,
                sinks: sinks))
    }

    private mutating func decodeSource(_ root: DocumentNode) -> DecodedPlugin? {
        guard let node = required("source", of: root) else { return nil }
        guard node.entries != nil else {
            _ = mismatch(node, .plugin(.source), "'source'")
            return nil
        }
        return decodePlugin(node, kind: .source)
    }

    private mutating func decodeSinks(_ root: DocumentNode) -> [DecodedPlugin]? {
        guard let node = required("sinks", of: root) else { return nil }
        if case .sequence(let items) = node.content, items.isEmpty {
            diagnostics.error("'sinks' must have at least one entry", at: node.place)
            return nil
        }
        guard let sinks = decodePlugins(node, kind: .sink, label: "'sinks'") else { return nil }
        var seen: [String: DecodedPlugin] = [:]
        for sink in sinks {
            guard let earlier = seen[sink.name] else {
                seen[sink.name] = sink
                continue
            }
            diagnostics.error(
                "two sinks are called '\(sink.name)'", at: sink.namePlace,
                hint: sink.isNamed && earlier.isNamed
                    ? "the other one stands at \(earlier.namePlace)" : "give each a 'name' of its own")
        }
        return sinks
    }

    /// An option without which there is nothing to decode.
    private mutating func required(_ key: String, of root: DocumentNode) -> DocumentNode? {
        guard let node = root[key] else {
            diagnostics.error(
                "missing option '\(key)'", at: root.missingKeyPlace, hint: PipelineSchema.schema.field(key)?.summary)
            return nil
        }
        guard !node.isNull else {
            diagnostics.error("'\(key)' has no value", at: node.place)
            return nil
        }
        return node
    }
}

extension RunLimits {
    fileprivate init?(_ options: Options) {
        guard let maxFailed = options.shareOrCount("max_failed"),
            let acceptFailed = options.shareOrCount("accept_failed"),
            let acceptInvalid = options.shareOrCount("accept_invalid"),
            let maxAbsent = options.shareOrCount("max_absent"),
            let maxRemoved = options.shareOrCount("max_removed"),
            let minRecords = options.integer("min_records")
        else { return nil }
        self.init()
        self.maxFailed = maxFailed
        self.acceptFailed = acceptFailed
        self.acceptInvalid = acceptInvalid
        self.maxAbsent = maxAbsent
        self.maxRemoved = maxRemoved
        self.minRecords = minRecords
    }
}
