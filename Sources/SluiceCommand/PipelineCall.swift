internal import ArgumentParser
internal import Foundation
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

    /// A pipeline that could be read, and where its report goes.
    private struct Reading {
        var plan: RunPlan
        var reportPath: String?
    }

    /// - Parameter body: gives at least one report; the last one's exit code is the program's.
    /// - Throws: `ExitCode` where that isn't 0.
    func perform(_ body: (SupervisedRun) async -> [RunReport]) async throws {
        var log = logging.logger()
        if options.quiet { log.logLevel = max(log.logLevel, .warning) }
        let shard = try options.part.chosenShard()
        let startedAt = Timestamp.now
        let reading = try read(shard, startedAt, log)
        let reports = await body(SupervisedRun(plan: reading.plan, log: log, isQuiet: options.quiet))
        var code = reports.last?.exitCode ?? 0
        for report in reports {
            options.output.print(
                report, isQuiet: options.quiet, file: file, log: logging.logFormat == .json ? log : nil)
            do { try write(report, to: reading.reportPath) } catch let error as PipelineError {
                logging.report("sluice: error: \(error)", exitCode: error.exitCode, to: log)
                if code == 0 { code = error.exitCode }
            }
        }
        if code != 0 { throw ExitCode(code) }
    }

    /// Reads the pipeline, and makes sure that it can be run here and reported of.
    ///
    /// - Throws: `ExitCode`, once it is told what is wrong, also in the report where its place is known.
    private func read(_ shard: Shard, _ startedAt: Timestamp, _ log: Logger) throws -> Reading {
        let pipeline: PipelineFile
        let limits: ProcessLimits
        do {
            limits = try ProcessLimits()
            pipeline = try PipelineFile(
                path: file, host: host, log: log, mayAskInstance: true, logsUserIDs: options.logUserIDs,
                shards: shard.count)
        } catch let error as PipelineError {
            throw ended("sluice: error: \(error)", error, startedAt, log)
        } catch let errors as ConfigurationErrors {
            throw ended("\(errors)", PipelineError(errors.kind, "\(errors)"), startedAt, log)
        }
        let configuration = pipeline.configuration
        var plan = pipeline.plan(shard: shard, limit: options.part.limit)
        do {
            if let path = configuration.reportPath { try ReportFile(path: path).requireReplaceable() }
        } catch let error as PipelineError {
            logging.report("sluice: error: \(error)", exitCode: error.exitCode, to: log)
            throw ExitCode(error.exitCode)
        }
        do {
            // Even where this source keeps nothing there: another one of the pipelines may.
            _ = try PrivateFolder.check(configuration.stateDirectory)
            if let lowered = try limits.fit(&plan) { log.warning("\(lowered)") }
        } catch let error as PipelineError {
            let report = RunReport(summary: nil, error: error, call: ReportedCall("run", plan, startedAt: startedAt))
            throw ended("sluice: error: \(error)", report, at: configuration.reportPath, log)
        }
        for warning in configuration.warnings {
            switch logging.logFormat {
            case .text: Terminal.standardError.writeLine("\(warning)")
            case .json: log.warning("\(warning)")
            }
        }
        return Reading(plan: plan, reportPath: configuration.reportPath)
    }

    /// A call that ends because its pipeline can't be read as a whole. The report is written over where one stands already: what
    /// else may not be written over nobody knows then.
    private func ended(_ message: String, _ error: PipelineError, _ startedAt: Timestamp, _ log: Logger) -> ExitCode {
        let place = ReportPlace(inFile: file, environment: ProcessInfo.processInfo.environment)
        let report = RunReport(
            summary: nil, error: error,
            call: ReportedCall(pipeline: place?.pipeline, version: Version.number, startedAt: startedAt))
        let path = place.flatMap { ReportFile(path: $0.path).isReport ? $0.path : nil }
        return ended(message, report, at: path, log)
    }

    private func ended(_ message: String, _ report: RunReport, at path: String?, _ log: Logger) -> ExitCode {
        logging.report(message, exitCode: report.exitCode, to: log)
        do { try write(report, to: path) } catch {
            log.warning("\(error)")
        }
        return ExitCode(report.exitCode)
    }

    private func write(_ report: RunReport, to path: String?) throws {
        guard let path, !report.isLockedOut else { return }
        try ReportFile(path: path).write(report.json)
    }
}
