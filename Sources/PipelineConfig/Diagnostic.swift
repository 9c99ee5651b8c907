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

    public var description: String { "\(line):\(column)" }
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

    public init(_ severity: Severity, file: String, at place: Place?, _ message: String, hint: String? = nil) {
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
        return "\(file)\(place): \(severity.rawValue): \(message)\(hint)"
    }
}

/// Gathers diagnostics, so that all of a file's errors are told at once.
struct DiagnosticCollector {
    let file: String
    private var seen: Set<Diagnostic> = []
    private(set) var hasErrors = false

    init(file: String) { self.file = file }

    mutating func error(_ message: String, at place: Place?, hint: String? = nil) {
        hasErrors = true
        // What an alias repeats is told once.
        seen.insert(Diagnostic(.error, file: file, at: place, message, hint: hint))
    }

    mutating func warning(_ message: String, at place: Place?, hint: String? = nil) {
        seen.insert(Diagnostic(.warning, file: file, at: place, message, hint: hint))
    }

    /// In the order of the file.
    var sorted: [Diagnostic] {
        let start = Place(line: 0, column: 0)
        return seen.sorted { ($0.place ?? start, $0.message) < ($1.place ?? start, $1.message) }
    }
}
