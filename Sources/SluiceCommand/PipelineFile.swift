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

    /// - Throws: `ConfigurationErrors`.
    init(
        path: String, log: Logger, logsUserIDs: Bool = false,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws {
        let loader = PipelineConfigurationLoader(
            registry: .builtIn(log: log, logsUserIDs: logsUserIDs), environment: environment, version: Version.number,
            warn: { log.warning("\($0)") })
        configuration = try loader.load(path: path)
    }

    /// The pipeline, ready for the engine.
    var plan: RunPlan {
        let fingerprints = configuration.fingerprintTexts { hexadecimal(SHA256.hash(data: $0)) }
        let sinks = zip(configuration.sinks, fingerprints).enumerated().map { index, pair in
            let (configured, text) = pair
            return PlannedSink(
                sink: configured.sink, transforms: configuration.transforms + configured.transforms,
                // Sinks without transforms of their own share the first chain.
                chain: configured.transforms.isEmpty ? 0 : index + 1,
                fingerprint: hexadecimal(SHA256.hash(data: text)))
        }
        return RunPlan(
            pipeline: configuration.pipeline, source: configuration.source, layout: .normalized(), sinks: sinks,
            batchSize: configuration.batchSize, limits: configuration.limits,
            onChangedInput: configuration.onChangedInput, version: Version.number)
    }
}
