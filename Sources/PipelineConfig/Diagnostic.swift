internal import PipelineCore

/// A place in a file, both from 1; columns count Unicode scalars.
public struct Place: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public static func < (left: Place, right: Place) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }

    public var description: String { line > 0 ? "\(line):\(column)" : "the command line" }

    /// Stands for the option on the command line with this number.
    static func ofSetting(_ index: Int) -> Place { Place(line: -index - 1, column: 0) }

    /// Which option on the command line it stands for.
    var setting: Int? { line < 0 ? -line - 1 : nil }
}

/// One thing that is wrong with a configuration, or worth a word.
public struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
    public enum Severity: String, Sendable {
        case error
        case warning
    }

    public var severity: Severity
    /// The file, as the caller named it.
    public var file: String
    /// Nil where the file as a whole is meant.
    public var place: Place?
    /// What is wrong. Never holds a secret or a value that came from outside the file.
    public var message: String
    /// What to do, in a few words.
    public var hint: String?

    public init(
        _ severity: Severity, file: String, at place: Place?, _ message: String, hint: String? = nil
    ) {
        self.severity = severity
        self.file = file
        self.place = place
        self.message = message
        self.hint = hint
    }

    /// `pipelines/nightly.yaml:12:5: error: unknown option 'bach' (did you mean 'batch_size'?)`
    public var description: String {
        let place = place.map { ":\($0)" } ?? ""
        let hint = hint.map { " (\($0))" } ?? ""
        return "\(PrintableText.of(file, limit: .max))\(place): \(severity.rawValue): \(message)\(hint)"
    }
}

/// Gathers diagnostics, so that all of a file's errors are told at once.
struct DiagnosticCollector {
    let file: String
    private var seen: Set<Diagnostic> = []
    /// How often an error was told, the same one again included.
    private(set) var errorCount = 0
    var hasErrors: Bool { errorCount > 0 }

    /// What is set on the command line: what is wrong with it is told by its option.
    private let settings: [PipelineSetting]

    init(file: String, settings: [PipelineSetting] = []) {
        self.file = file
        self.settings = settings
    }

    mutating func error(_ message: String, at place: Place?, hint: String? = nil) {
        errorCount += 1
        insert(.error, message, at: place, hint: hint)
    }

    mutating func warning(_ message: String, at place: Place?, hint: String? = nil) {
        insert(.warning, message, at: place, hint: hint)
    }

    private mutating func insert(
        _ severity: Diagnostic.Severity, _ message: String, at place: Place?, hint: String?
    ) {
        // What an alias repeats is told once. Messages hold keys and values as they stand in the file, and are one line.
        let setting = place?.setting.map { settings[$0] }
        seen.insert(
            Diagnostic(
                severity, file: setting?.label ?? file, at: setting == nil ? place : nil,
                PrintableText.of(message, limit: .max),
                hint: hint.map { PrintableText.of($0, limit: .max) }))
    }

    /// In the order of the file.
    var sorted: [Diagnostic] {
        let start = Place(line: 0, column: 0)
        return seen.sorted {
            ($0.place ?? start, $0.file, $0.message) < ($1.place ?? start, $1.file, $1.message)
        }
    }
}
