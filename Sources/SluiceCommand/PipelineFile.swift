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

    /// - Parameter runs: The command calls the source, and may ask the instance it is on for its region.
    /// - Throws: `ConfigurationErrors`.
    init(
        path: String, log: Logger, runs: Bool = false, logsUserIDs: Bool = false, shards: Int = 1,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws {
        let loader = PipelineConfigurationLoader(
            registry: .builtIn(log: log, logsUserIDs: logsUserIDs, asksInstance: runs), environment: environment,
            version: Version.number, shards: shards, warn: { log.warning("\($0)") })
        configuration = try loader.load(path: path)
    }

    /// The pipeline, ready for the engine.
    ///
    /// - Parameter limit: the input is taken to end after so many records.
    func plan(shard: Shard = .whole, limit: Int? = nil) -> RunPlan {
        let fingerprints = configuration.fingerprintTexts { hexadecimal(SHA256.hash(data: $0)) }
        // Sinks without transforms of their own share their rows, where these also have the same columns.
        var shared: [Layout: Int] = [:]
        var contents = 0
        func content(_ layout: Layout, isShared: Bool) -> Int {
            if isShared, let content = shared[layout] { return content }
            if isShared { shared[layout] = contents }
            contents += 1
            return contents - 1
        }
        // The same configuration gives other output in shards, or with a limit.
        var scope: [UInt8] = []
        if !shard.isWhole { scope += Array("\nshards=\(shard.count)".utf8) }
        if let limit { scope += Array("\nlimit=\(limit)".utf8) }
        let sinks = zip(configuration.sinks, fingerprints).map { configured, text in
            let layout = Layout.normalized(mode: configured.sink.mode)
            return PlannedSink(
                sink: configured.sink, transforms: configuration.transforms + configured.transforms, layout: layout,
                content: content(layout, isShared: configured.transforms.isEmpty),
                fingerprint: hexadecimal(SHA256.hash(data: text + scope)))
        }
        return RunPlan(
            pipeline: configuration.pipeline, source: configuration.source, sinks: sinks,
            batchSize: configuration.batchSize, limits: configuration.limits,
            onChangedInput: configuration.onChangedInput, onNewColumns: configuration.onNewColumns,
            shard: shard, inputLimit: limit, version: Version.number)
    }
}
