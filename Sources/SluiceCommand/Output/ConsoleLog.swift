internal import ArgumentParser
internal import Logging
internal import PipelineCore
internal import PipelineEngine

/// How log lines look.
enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    /// `2026-11-23T04:00:00.000Z notice: run nightly-20261123T040000Z begins`
    case text
    /// One object a line: time, level, message, and the metadata's keys.
    case json
}

/// Log lines on standard error.
struct ConsoleLog: LogHandler {
    let format: LogFormat
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(format: LogFormat, level: Logger.Level) {
        self.format = format
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
        let time = Timestamp.now.text
        switch format {
        case .text:
            // The text of an event says what its fields say.
            let fields = all.contains { $0.key == "event" } ? "" : all.map { " \($0.key)=\($0.value)" }.joined()
            Terminal.standardError.writeLine("\(time) \(event.level): \(event.message)\(fields)")
        case .json:
            var writer = JSONWriter()
            writer.object { writer in
                for (key, value) in [
                    ("time", time), ("level", event.level.rawValue), ("message", "\(event.message)"),
                ] {
                    writer.key(key)
                    writer.value(value)
                }
                for (key, value) in all where !["time", "level", "message"].contains(key) {
                    writer.key(key)
                    Self.write(value, to: &writer)
                }
            }
            Terminal.standardError.writeLine(writer.text)
        }
    }

    /// Numbers stay numbers, so that a reader of the log can compare them.
    private static func write(_ value: Logger.Metadata.Value, to writer: inout JSONWriter) {
        switch value {
        case .stringConvertible(let number as Int): writer.value(number)
        case .stringConvertible(let number as Int32): writer.value(Int(number))
        case .stringConvertible(let number as Double): writer.value(number)
        default: writer.value("\(value)")
        }
    }
}

/// The options that decide what is logged, and how.
struct LogOptions: ParsableArguments {
    @Option(help: "How log lines look: text or json.")
    var logFormat = LogFormat.text

    @Option(
        help: "The least level that is logged: trace, debug, info, notice, warning, error or critical.",
        completion: .list(Logger.Level.allCases.map(\.rawValue)),
        transform: { name in
            guard let level = Logger.Level(rawValue: name) else {
                throw ValidationError("'\(name)' is no level of the log.")
            }
            return level
        })
    var logLevel = Logger.Level.info

    @Flag(name: .shortAndLong, help: "Log more: the same as --log-level debug.")
    var verbose = false

    /// Says why the program ends, where no run of a pipeline got as far as saying it: as text, or as the line in the log
    /// that a supervisor watches.
    func report(_ message: String, exitCode: Int32, to log: Logger) {
        switch logFormat {
        case .text: Terminal.standardError.writeLine(message)
        case .json:
            log.error(
                "nothing done, exit code \(exitCode)",
                metadata: ["event": "end", "exit_code": .stringConvertible(exitCode), "error": "\(message)"])
        }
    }

    func logger() -> Logger {
        Logger(label: "sluice") { _ in ConsoleLog(format: logFormat, level: verbose ? min(logLevel, .debug) : logLevel)
        }
    }
}
