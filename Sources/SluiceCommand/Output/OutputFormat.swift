internal import ArgumentParser
internal import Logging
internal import PipelineEngine

/// How a summary is printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json

    /// The summary on standard output, and what went wrong on standard error.
    ///
    /// - Parameter log: Where standard error holds nothing but lines of the log: it has the error already, and is told what
    ///   else there is to say.
    func print(_ report: RunReport, log: Logger? = nil) {
        if let summary = report.summary { Terminal.writeResult(self == .json ? summary.json : summary.text) }
        if let error = report.error {
            if log == nil { Terminal.standardError.writeLine("sluice: error: \(error)") }
        } else if report.exitCode != 0, let shortcoming = report.summary?.shortcoming {
            if let log {
                log.error("\(shortcoming)")
            } else {
                Terminal.standardError.writeLine("sluice: \(shortcoming)")
            }
        }
    }
}
