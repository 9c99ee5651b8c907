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
    private let settings: [PipelineSetting]
    private let wanted: Wanted

    /// What a pipeline is read for. What it isn't read for needs no variables and no files of values: something stands in
    /// for them.
    public enum Wanted: Sendable {
        /// A run, or something like it.
        case everything
        /// A look at the sinks, which hold rows already.
        case sinks
        /// Rows that are made without a run, and go to none of its sinks.
        case rows
        /// A look at the file alone, where nothing of what it refers to is at hand.
        case text
    }

    /// - Parameters:
    ///   - environment: the process's, for `${NAME}` and for plugins.
    ///   - version: the program's, for plugins.
    ///   - shards: of how many shards the process runs one, for plugins.
    ///   - stateDirectory: absolute; counts in place of the configured one, where nothing is to be left behind.
    ///   - columnProblems: what is wrong with columns that are pulled out of endpoints, in a layout; paths as below
    ///     `flatten`.
    ///   - placeConflicts: compares the places that a pipeline of this name reads and writes; of two, the later one in the
    ///     list is at fault.
    ///   - settings: count in place of what the file says.
    ///   - wanted: what the pipeline is read for.
    ///   - warn: takes the plugins' warnings, once they are made.
    public init(
        registry: PluginRegistry, environment: [String: String], version: String, shards: Int = 1,
        stateDirectory: String? = nil,
        columnProblems: @escaping @Sendable ([PulledColumn], TableLayout) -> [OptionError] = { _, _ in
            []
        },
        placeConflicts: @escaping @Sendable ([PlannedPlace], _ pipeline: String) -> [PlaceConflict] = {
            _, _ in []
        },
        settings: [PipelineSetting] = [], wanted: Wanted = .everything,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.registry = registry
        self.environment = environment
        self.version = version
        self.shards = shards
        self.stateDirectory = stateDirectory
        self.columnProblems = columnProblems
        self.placeConflicts = placeConflicts
        self.settings = settings
        self.wanted = wanted
        self.warn = warn
    }

    /// What messages call a pipeline that is read from standard input.
    public static let standardInput = "<standard input>"

    /// The pipeline in a file; `-` is standard input. Relative paths in it begin at the file's folder, or the working one.
    public func load(path: String) throws(ConfigurationErrors) -> PipelineConfiguration {
        let name = path == "-" ? Self.standardInput : path
        let bytes: [UInt8]
        do throws(FileContents.ReadError) {
            bytes = try FileContents.read(
                path == "-" ? "/dev/stdin" : path, limit: DocumentText.maximumBytes)
        } catch {
            let diagnostic = Diagnostic(
                .error, file: name, at: nil, "the file can't be read: \(error.reason)")
            throw ConfigurationErrors(kind: .noInput, [diagnostic])
        }
        return try load(bytes, path: name)
    }

    /// The pipeline in a text, as if it stood in a file with this path, which need not exist.
    public func load(_ bytes: [UInt8], path: String) throws(ConfigurationErrors)
        -> PipelineConfiguration
    {
        var diagnostics = DiagnosticCollector(file: path, settings: settings)
        guard var root = PipelineDocument(bytes, diagnostics: &diagnostics)?.root else {
            throw ConfigurationErrors(diagnostics.sorted)
        }
        root.apply(settings, diagnostics: &diagnostics)
        let folder = FileContents.folder(of: path)
        var decoder = OptionDecoder(
            registry: registry,
            interpolation: Interpolation(
                environment: environment, folder: folder, standsIn: wanted == .text),
            diagnostics: diagnostics,
            context: PluginContext(
                pipeline: "", name: "", stateDirectory: folder, environment: environment, version: version,
                shards: shards, warn: warn))
        decoder.takesStandardInput = path == Self.standardInput
        decoder.wanted = wanted
        let configuration = decoder.decodePipeline(
            root, file: path, stateDirectory: stateDirectory, columnProblems: columnProblems,
            placeConflicts: placeConflicts)
        guard var configuration, !decoder.diagnostics.hasErrors else {
            throw ConfigurationErrors(decoder.diagnostics.sorted)
        }
        configuration.warnings = decoder.diagnostics.sorted
        configuration.absentValues = decoder.absent.names.sorted()
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
