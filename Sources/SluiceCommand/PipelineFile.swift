internal import Crypto
internal import Flattening
internal import Foundation
internal import Logging
internal import PipelineConfig
internal import PipelineCore
internal import PipelineEngine

/// A pipeline's file, read for a command.
struct PipelineFile {
    let configuration: PipelineConfiguration

    /// - Parameters:
    ///   - mayAskInstance: The command calls the source, and may ask the instance it is on for its region.
    ///   - stateDirectory: counts in place of the configured one.
    /// - Throws: `ConfigurationErrors`.
    init(
        path: String, log: Logger, mayAskInstance: Bool = false, logsUserIDs: Bool = false, shards: Int = 1,
        stateDirectory: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws {
        let loader = PipelineConfigurationLoader(
            registry: .builtIn(log: log, logsUserIDs: logsUserIDs, asksInstance: mayAskInstance),
            environment: environment,
            version: Version.number, shards: shards, stateDirectory: stateDirectory,
            columnProblems: { columns, layout in
                Layout.problems(of: columns, isDocument: layout == .document)
            }, warn: { log.warning("\($0)") })
        configuration = try loader.load(path: path)
    }

    /// The pipeline, ready for the engine.
    ///
    /// - Parameter limit: the input is taken to end after so many records.
    func plan(shard: Shard = .whole, limit: Int? = nil) -> RunPlan {
        let fingerprints = configuration.fingerprintTexts { hexadecimal(SHA256.hash(data: $0)) }
        let transforms = configuration.transformTexts { hexadecimal(SHA256.hash(data: $0)) }
        // Sinks with the same transforms share their rows, where these also have the same columns.
        var shared: [Content: Int] = [:]
        func number(_ content: Content) -> Int {
            if let number = shared[content] { return number }
            shared[content] = shared.count
            return shared.count - 1
        }
        // The same configuration gives other output in shards, or with a limit.
        var scope: [UInt8] = []
        if !shard.isWhole { scope += Array("\nshards=\(shard.count)".utf8) }
        if let limit { scope += Array("\nlimit=\(limit)".utf8) }
        let sinks = configuration.sinks.enumerated().map { index, configured in
            let layout = layout(for: configured.sink)
            let version = configured.sink.contentVersion
            let form = version == 0 ? [] : Array("\ncontent=\(version)".utf8)
            return PlannedSink(
                sink: configured.sink, transforms: configuration.transforms + configured.transforms, layout: layout,
                content: number(Content(layout: layout, transforms: transforms[index])),
                fingerprint: hexadecimal(SHA256.hash(data: fingerprints[index] + scope + form)))
        }
        return RunPlan(
            pipeline: configuration.pipeline, source: configuration.source, sinks: sinks,
            batchSize: configuration.batchSize, limits: configuration.limits,
            onChangedInput: configuration.onChangedInput, onNewColumns: configuration.onNewColumns,
            shard: shard, inputLimit: limit, version: Version.number)
    }

    /// What rows are made by.
    private struct Content: Hashable {
        var layout: Layout
        var transforms: [UInt8]
    }

    private func layout(for sink: any Sink) -> Layout {
        switch configuration.layout {
        case .normalized: .normalized(mode: sink.mode, columns: configuration.columns)
        case .document: .document(mode: sink.mode, maps: sink.mapForm, columns: configuration.columns)
        }
    }
}
