internal import ArgumentParser
internal import Glibc
internal import Logging
internal import PipelineEngine

/// How a summary is printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json

    /// The summary on standard output, and what went wrong on standard error.
    ///
    /// - Parameters:
    ///   - isQuiet: no text is wanted of a run that ends with 0; JSON that was asked for is printed.
    ///   - file: the pipeline's, as it was named, for the commands that help now; nil where none are wanted.
    ///   - log: Where standard error holds nothing but lines of the log: it has the error already, and is told what else
    ///     there is to say.
    func print(_ report: RunReport, isQuiet: Bool = false, file: String? = nil, log: Logger? = nil) {
        // A call that got to no run has no result: standard error says why.
        if let text = report.text(file: file, style: Terminal.style(of: STDOUT_FILENO)),
            self == .json || !isQuiet || report.exitCode != 0
        {
            Terminal.writeResult(self == .json ? report.json : text)
        }
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
