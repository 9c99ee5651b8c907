internal import ArgumentParser
internal import LocalFiles
internal import Logging
internal import PipelineConfig
internal import PipelineCore
internal import PipelineEngine

/// What `run` and `retry` have in common: a pipeline's file is read, something is done with it, and its reports are told.
struct PipelineCall {
    let file: String
    let options: CallOptions
    let host: PluginHost

    private var logging: LogOptions { options.logging }

    /// - Parameter body: gives at least one report; the last one's exit code is the program's.
    /// - Throws: `ExitCode` where that isn't 0.
    func perform(_ body: (SupervisedRun) async -> [RunReport]) async throws {
        var log = logging.logger()
        if options.quiet { log.logLevel = max(log.logLevel, .warning) }
        let shard = try options.part.chosenShard()
        let configuration: PipelineConfiguration
        var plan: RunPlan
        do {
            let limits = try ProcessLimits()
            let pipeline = try PipelineFile(
                path: file, host: host, log: log, mayAskInstance: true, logsUserIDs: options.logUserIDs,
                shards: shard.count)
            configuration = pipeline.configuration
            // Even where this source keeps nothing there: another one of the pipelines may.
            _ = try PrivateFolder.check(configuration.stateDirectory)
            plan = pipeline.plan(shard: shard, limit: options.part.limit)
            if let lowered = try limits.fit(&plan) { log.warning("\(lowered)") }
        } catch let error as PipelineError {
            logging.report("sluice: error: \(error)", exitCode: error.exitCode, to: log)
            throw ExitCode(error.exitCode)
        } catch let errors as ConfigurationErrors {
            logging.report("\(errors)", exitCode: errors.kind.rawValue, to: log)
            throw ExitCode(errors.kind.rawValue)
        }
        for warning in configuration.warnings {
            switch logging.logFormat {
            case .text: Terminal.standardError.writeLine("\(warning)")
            case .json: log.warning("\(warning)")
            }
        }
        if let path = configuration.reportPath {
            do { try ReportFile(path: path).requireReplaceable() } catch let error as PipelineError {
                logging.report("sluice: error: \(error)", exitCode: error.exitCode, to: log)
                throw ExitCode(error.exitCode)
            }
        }
        let reports = await body(SupervisedRun(plan: plan, log: log, isQuiet: options.quiet))
        var code = reports.last?.exitCode ?? 0
        for report in reports {
            options.output.print(
                report, isQuiet: options.quiet, log: logging.logFormat == .json ? log : nil)
            do { try write(report, configuration) } catch let error as PipelineError {
                logging.report("sluice: error: \(error)", exitCode: error.exitCode, to: log)
                if code == 0 { code = error.exitCode }
            }
        }
        if code != 0 { throw ExitCode(code) }
    }

    private func write(_ report: RunReport, _ configuration: PipelineConfiguration) throws {
        guard let path = configuration.reportPath, let summary = report.summary else { return }
        try ReportFile(path: path).write(summary.json)
    }
}
