internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// Variables in a file, one `NAME=value` a line: what systemd's `EnvironmentFile=` and a shell's `.` read the same way.
///
/// Blank lines and lines that begin with `#` mean nothing. A value stands as it is, or in quotes: between `'` everything
/// stands for itself, between `"` a backslash takes its meaning from `"`, `\`, `$` and `` ` ``. What a shell would go on to
/// expand (`$`, `` ` ``, `~` at the beginning) or cut (blanks without quotes) is refused, so that all of them find one value.
public struct EnvironmentFile: Sendable, Equatable {
    /// In the file's order; a later one with the same name counts.
    public private(set) var variables: [Variable] = []

    public struct Variable: Sendable, Equatable {
        public var name: String
        public var value: String
    }

    static let sizeLimit = 1 << 20

    /// - Throws: `ConfigurationErrors` with every line that is wrong; of kind `.noInput` where the file can't be read.
    public init(path: String) throws {
        let bytes: [UInt8]
        do { bytes = try FileContents.read(path, limit: Self.sizeLimit) } catch {
            let unread = Diagnostic(.error, file: path, at: nil, "can't be read: \(error.reason)")
            throw ConfigurationErrors(kind: .noInput, [unread])
        }
        guard bytes.count <= Self.sizeLimit, !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self)
        else {
            throw ConfigurationErrors([
                Diagnostic(
                    .error, file: path, at: nil, "is no text of variables: at most 1 MiB of UTF-8, without zeros")
            ])
        }
        try self.init(text, file: path)
    }

    /// - Parameter file: its name, for messages.
    /// - Throws: `ConfigurationErrors`, which never hold a value.
    init(_ text: String, file: String) throws {
        var diagnostics: [Diagnostic] = []
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            do {
                if let variable = try Self.variable(line.last == "\r" ? line.dropLast() : line) {
                    variables.append(variable)
                }
            } catch {
                diagnostics.append(
                    Diagnostic(
                        .error, file: file, at: Place(line: index + 1, column: 1), error.message, hint: error.hint))
            }
        }
        if !diagnostics.isEmpty { throw ConfigurationErrors(diagnostics) }
    }

    /// Sets them for this process, and for those that it starts; they count more than what was there.
    ///
    /// To be called before anything reads the environment on another thread.
    public func apply() {
        for variable in variables { setenv(variable.name, variable.value, 1) }
    }

    private struct LineError: Error {
        var message: String
        var hint: String?
    }

    /// Scalars, since a mark that joins the character before it changes nothing of what that one means.
    private typealias Text = Substring.UnicodeScalarView

    private static func variable(_ line: Text) throws(LineError) -> Variable? {
        let rest = line.drop { $0 == " " || $0 == "\t" }
        guard let first = rest.first, first != "#" else { return nil }
        guard let equals = rest.firstIndex(of: "=") else {
            throw LineError(message: "this line is no NAME=value", hint: "a line of its own begins with #")
        }
        let name = rest[..<equals]
        guard let initial = name.first, !("0"..."9").contains(initial),
            name.allSatisfy({
                $0 == "_" || ("0"..."9").contains($0) || ("a"..."z").contains($0) || ("A"..."Z").contains($0)
            })
        else {
            throw LineError(
                message: "what comes before '=' is no name of a variable",
                hint: "letters, digits and _, no 'export', no blank before '='")
        }
        return Variable(name: String(Substring(name)), value: try value(rest[rest.index(after: equals)...]))
    }

    private static func value(_ written: Text) throws(LineError) -> String {
        var rest = written
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        switch rest.first {
        case "'":
            let inner = rest.dropFirst()
            guard inner.last == "'", !inner.dropLast().contains("'") else { throw unclosed("'") }
            return String(Substring(inner.dropLast()))
        case "\"": return try quoted(rest.dropFirst())
        default:
            guard !rest.contains(where: { " \t'\"\\$`;&|<>()".unicodeScalars.contains($0) }), rest.first != "~" else {
                throw LineError(
                    message: "the value holds a character that means something to a shell",
                    hint: "write it between single quotes")
            }
            return String(Substring(rest))
        }
    }

    private static func quoted(_ text: Text) throws(LineError) -> String {
        var result = String.UnicodeScalarView(), rest = text
        while let character = rest.popFirst() {
            switch character {
            case "\"":
                guard rest.isEmpty else { throw unclosed("\"") }
                return String(result)
            case "\\":
                guard let next = rest.popFirst(), "\"\\$`".unicodeScalars.contains(next) else {
                    throw LineError(
                        message: "a backslash in the value comes before another character than \" \\ $ `",
                        hint: "write the value between single quotes")
                }
                result.append(next)
            case "$", "`":
                throw LineError(
                    message: "the value holds a character that means something to a shell",
                    hint: "write it between single quotes")
            default: result.append(character)
            }
        }
        throw unclosed("\"")
    }

    private static func unclosed(_ quote: Character) -> LineError {
        LineError(
            message: "the value's quote isn't closed, or something follows it", hint: "the line ends with \(quote)")
    }
}
