internal import PipelineCore

extension OptionDecoder {
    /// The top level. Plugins come last, because they are told the pipeline's name and its state directory.
    mutating func decodePipeline(
        _ root: DocumentNode, file: String, stateDirectory: String?,
        columnProblems: ([PulledColumn], TableLayout) -> [OptionError],
        placeConflicts: ([PlannedPlace], _ pipeline: String) -> [PlaceConflict]
    ) -> PipelineConfiguration? {
        let fields = PipelineSchema.schema.fields
        topLevelKeys = fields.map(\.key)
        guard root.entries != nil else {
            if case .scalar(let text, isPlain: true) = root.content, let missing = MissingBlank(text) {
                let mistake = missing.mistake(at: root.place)
                diagnostics.error(mistake.message, at: mistake.place, hint: mistake.hint)
                return nil
            }
            diagnostics.error(
                "a pipeline must be a mapping, not \(root.kindName)", at: root.place,
                hint: "begin with 'pipeline: name'")
            return nil
        }
        checkKeys(of: root, known: topLevelKeys)
        let (reports, others) = Self.split(fields.filter { !$0.type.containsPlugin })
        let decoded = decodeFields(others, of: root)
        let report = withStandIns(wanted != .everything) { $0.decodeFields(reports, of: root) }
        let isComplete = decoded.failed.isEmpty && report.failed.isEmpty
        let plain =
            isComplete ? Options(decoded.values.merging(report.values) { first, _ in first }) : nil
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
        let source = withStandIns(wanted == .sinks) { $0.decodeSource(root) }
        if let plan = source?.product as? SourcePlan, plan.conflict == .newest {
            context.neededMembers = [["EffectiveDate"]]
        }
        let transforms = withStandIns(wanted == .sinks) { decoder in
            root["transforms"].map { decoder.decodePlugins($0, kind: .transform, label: "'transforms'") }
                ?? []
        }
        let sinks = decodeSinks(root)
        if let plain, let source, let sinks {
            checkPlaces(
                root, file: file, source: source, sinks: sinks,
                report: plain.options("report")?.path("json"),
                state: stateDirectory == nil ? plain.path("state_directory") : nil,
                conflicts: placeConflicts)
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
            layout: layout, columns: columns, batchSize: batchSize, limits: limits,
            onChangedInput: onChangedInput,
            onNewColumns: onNewColumns, reportPath: plain.options("report")?.path("json")?.resolved,
            tests: tests, stateDirectory: context.stateDirectory, warnings: [],
            shaping: OutputShaping(
                values: plain.setting("batch_size", to: .integer(batchSize)), source: source,
                transforms: transforms,
                sinks: sinks))
    }

    /// Those that say what is left for others, and the rest.
    private static func split(_ fields: [OptionField]) -> (
        reports: [OptionField], others: [OptionField]
    ) {
        (fields.filter { $0.key == "report" }, fields.filter { $0.key != "report" })
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
                "missing option '\(key)'", at: root.missingKeyPlace,
                hint: PipelineSchema.schema.field(key)?.summary)
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
