internal import PipelineCore

/// One of a pipeline's own tests: documents, and the rows that are expected of them.
public struct PipelineTest: Sendable {
    /// What it shows, in the user's words; nil where they gave none.
    public var name: String?
    /// Where it stands in the file.
    public var place: Place
    /// Endpoints or whole answers, as JSON texts.
    public var documents: [String]
    /// The user ID that is asked for; nil where the documents tell it.
    public var user: String?
    /// The sink whose rows are meant; nil for every sink's.
    public var sink: String?
    /// For each table that is looked at, all of its rows in order, each a JSON text of the columns that are named.
    public var rows: [(table: String, rows: [String])]
}

extension PipelineTest {
    /// Where a pipeline's tests may stand beside it: `nightly.tests.yaml` for `nightly.yaml`.
    public static func fileBeside(_ pipeline: String) -> String {
        let stem =
            [".yaml", ".yml"].first { pipeline.hasSuffix($0) }.map { pipeline.dropLast($0.count) } ?? pipeline[...]
        return stem + ".tests.yaml"
    }

    /// The tests in a file of their own, which holds `tests` alone; none where it isn't there.
    ///
    /// - Parameter sinks: the names of the pipeline's.
    /// - Throws: `ConfigurationErrors`.
    public static func read(_ path: String, sinks: [String]) throws(ConfigurationErrors) -> [PipelineTest] {
        guard FileContents.exists(path) else { return [] }
        let bytes: [UInt8]
        do throws(FileContents.ReadError) {
            bytes = try FileContents.read(path, limit: DocumentText.maximumBytes)
        } catch {
            let unread = Diagnostic(.error, file: path, at: nil, "the file can't be read: \(error.reason)")
            throw ConfigurationErrors(kind: .noInput, [unread])
        }
        var diagnostics = DiagnosticCollector(file: path)
        guard let document = PipelineDocument(bytes, diagnostics: &diagnostics) else {
            throw ConfigurationErrors(diagnostics.sorted)
        }
        var decoder = OptionDecoder(
            registry: PluginRegistry(), interpolation: Interpolation(environment: [:], folder: "/"),
            diagnostics: diagnostics,
            context: PluginContext(
                pipeline: "", name: "", stateDirectory: "/", environment: [:], version: "", warn: { _ in }))
        let fields = PipelineSchema.schema.fields.filter { $0.key == "tests" }
        decoder.checkKeys(of: document.root, known: fields.map(\.key))
        let options = Options(decoder.decodeFields(fields, of: document.root).values)
        let tests = decoder.decodeTests(options.list("tests") ?? [], document.root, sinks: sinks)
        guard !decoder.diagnostics.hasErrors else { throw ConfigurationErrors(decoder.diagnostics.sorted) }
        return tests
    }
}

extension OptionDecoder {
    /// The tests that a pipeline holds; what is wrong with one is told.
    mutating func decodeTests(_ values: [OptionValue], _ root: DocumentNode, sinks: [String]) -> [PipelineTest] {
        guard let node = root["tests"], case .sequence(let nodes) = node.content else { return [] }
        return zip(nodes, values).compactMap { node, value in
            guard case .object(let options) = value, let documents = options.list("documents"),
                case .map(let tables)? = options["rows"]
            else { return nil }
            let sink = options.text("sink")
            if let sink, !sinks.contains(sink) {
                diagnostics.error(
                    "no sink is called '\(sink)'", at: node["sink"]?.place,
                    hint: Suggestion.hint(for: sink, among: sinks))
            }
            return PipelineTest(
                name: options.text("name"), place: node.place, documents: Self.texts(documents),
                user: options.text("user"), sink: sink,
                rows: tables.map { table, value in
                    if case .list(let rows) = value { (table, Self.texts(rows)) } else { (table, []) }
                })
        }
    }

    private static func texts(_ values: [OptionValue]) -> [String] {
        values.compactMap { if case .document(let json) = $0 { json } else { nil } }
    }
}
