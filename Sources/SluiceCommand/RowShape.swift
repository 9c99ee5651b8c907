internal import ArgumentParser
internal import Flattening
internal import PipelineConfig
internal import PipelineCore
internal import PipelineEngine

/// Which rows are made where nothing is run: those that one of a pipeline's sinks would get, in NDJSON's form.
struct RowShape {
    let transforms: [any Transform]
    let layout: Layout
    /// The sink that is meant; nil for rows of no pipeline.
    let sink: (any Sink)?

    /// Rows of no pipeline.
    init(_ layout: TableLayout) {
        transforms = []
        sink = nil
        self.layout = Self.layout(layout, .replace, [])
    }

    /// - Parameter name: of the sink that is meant; nil where all of them get the same.
    /// - Throws: `PipelineError` of kind `.usage` where there is no such sink, or sinks get different rows and none is named.
    init(of configuration: PipelineConfiguration, sink name: String?) throws {
        let texts = configuration.transformTexts(hash: Fingerprint.digest)
        let layouts = configuration.sinks.map {
            Self.layout(configuration.layout, $0.sink.mode, configuration.columns)
        }
        let names = configuration.sinks.map(\.name)
        if let name, !names.contains(name) {
            throw PipelineError(
                .usage, "the pipeline has no sink '\(name)'", hint: "Its sinks are \(names.joined(separator: ", ")).")
        }
        let index = name.flatMap(names.firstIndex) ?? 0
        if name == nil, let other = names.indices.first(where: { texts[$0] != texts[0] || layouts[$0] != layouts[0] }) {
            throw PipelineError(
                .usage, "the sinks '\(names[0])' and '\(names[other])' get different rows",
                hint: "Say with --sink whose rows are meant: \(names.joined(separator: ", ")).")
        }
        transforms = configuration.transforms + configuration.sinks[index].transforms
        layout = layouts[index]
        self.sink = configuration.sinks[index].sink
    }

    private static func layout(_ layout: TableLayout, _ mode: WriteMode, _ columns: [PulledColumn]) -> Layout {
        switch layout {
        case .normalized: .normalized(mode: mode, columns: columns)
        case .document: .document(mode: mode, maps: .entries, columns: columns)
        }
    }
}

extension TableLayout {
    /// What `--layout` names.
    ///
    /// - Throws: `ValidationError` that names the layouts.
    static func argument(_ name: String) throws -> TableLayout {
        guard let layout = TableLayout(rawValue: name) else {
            throw ValidationError(
                "'\(name)' is no layout: \(TableLayout.allCases.map(\.rawValue).joined(separator: " or ")).")
        }
        return layout
    }
}
