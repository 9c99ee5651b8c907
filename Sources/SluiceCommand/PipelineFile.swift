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
    ///   - wanted: what the pipeline is read for.
    /// - Throws: `ConfigurationErrors`.
    init(
        path: String, host: PluginHost, log: Logger, mayAskInstance: Bool = false, logsUserIDs: Bool = false,
        shards: Int = 1,
        stateDirectory: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment,
        wanted: PipelineConfigurationLoader.Wanted = .everything
    ) throws {
        let loader = PipelineConfigurationLoader(
            registry: host.registry(log: log, logsUserIDs: logsUserIDs, asksInstance: mayAskInstance),
            environment: environment, version: Version.number, shards: shards, stateDirectory: stateDirectory,
            columnProblems: { columns, layout in
                Layout.problems(of: columns, isDocument: layout == .document)
            },
            placeConflicts: { places, pipeline in
                PlaceCheck(places, pipeline: pipeline).conflicts
            }, settings: host.settings, wanted: wanted, warn: { log.warning("\($0)") })
        configuration = try loader.load(path: path)
    }

    /// The pipeline, ready for the engine.
    ///
    /// - Parameter limit: the input is taken to end after so many records.
    func plan(shard: Shard = .whole, limit: Int? = nil) -> RunPlan {
        let shapingTexts = configuration.fingerprintTexts(hash: Fingerprint.digest)
        let transformTexts = configuration.transformTexts(hash: Fingerprint.digest)
        let drafts = configuration.sinks.enumerated().map { index, configured in
            SinkDraft(
                sink: configured.sink, transforms: configuration.transforms + configured.transforms,
                layout: layout(for: configured.sink), transformText: transformTexts[index],
                shapingText: shapingTexts[index])
        }
        return RunPlan(
            pipeline: configuration.pipeline, source: configuration.source,
            sinks: PlannedSink.planned(drafts, shard: shard, inputLimit: limit),
            batchSize: configuration.batchSize, limits: configuration.limits,
            onChangedInput: configuration.onChangedInput, onNewColumns: configuration.onNewColumns,
            shard: shard, inputLimit: limit, version: Version.number)
    }

    private func layout(for sink: any Sink) -> Layout {
        switch configuration.layout {
        case .normalized: .normalized(mode: sink.mode, columns: configuration.columns)
        case .document: .document(mode: sink.mode, maps: sink.mapForm, columns: configuration.columns)
        }
    }
}
