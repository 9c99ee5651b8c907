/// Replaces `${NAME}`, `${NAME:-default}` and `${file:/run/secrets/x}` in a parsed scalar; `$${` is a literal `${`.
struct Interpolation: Sendable {
    var environment: [String: String]
    /// Absolute; relative files of `${file:…}` begin here.
    var folder: String
    /// Where a variable isn't set or a file doesn't exist, something stands in for its value.
    var standsIn = false

    /// A scalar after replacement.
    struct Result: Sendable {
        var text: String
        /// What was put in, for redaction.
        var insertions: [Insertion] = []
        /// The text without what was put in.
        var literal = ""
    }

    struct Insertion: Sendable {
        enum Origin: Sendable {
            /// With the variable's name.
            case environment(String)
            /// The default that stands in the reference itself.
            case reference
            /// There is no value; the variable's or the file's name.
            case absent(String)
            /// Surely a secret. The file's path is resolved.
            case file(String)
        }

        var text: String
        var origin: Origin

        var isDefault: Bool { if case .reference = origin { true } else { false } }

        var isAbsent: Bool { if case .absent = origin { true } else { false } }

        /// The name of a variable that is set, but empty.
        var emptyVariable: String? {
            if case .environment(let name) = origin, text.isEmpty { name } else { nil }
        }
    }

    /// What is wrong, by the variable's or the file's name; never by a value.
    struct Failure: Error, Equatable {
        var message: String
        var hint: String?
        /// The variable isn't there.
        var isUnset = false
    }

    static let maximumFileBytes = 65_536

    func replace(in text: String) throws(Failure) -> Result {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return Result(text: text, literal: text) }
        var result = Result(text: "")
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            result.text += rest[..<dollar]
            result.literal += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                result.text += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                guard let end = rest.firstIndex(of: "}") else {
                    throw Failure(message: "'${' has no '}'", hint: "a literal '${' is written '$${'")
                }
                let insertion = try value(of: rest[rest.index(dollar, offsetBy: 2)..<end])
                result.text += insertion.text
                // What stands on both sides of it is no one word.
                result.literal += " "
                result.insertions.append(insertion)
                rest = rest[rest.index(after: end)...]
            } else {
                result.text += "$"
                result.literal += "$"
                rest = rest.dropFirst()
            }
        }
        result.text += rest
        result.literal += rest
        return result
    }

    private func value(of reference: Substring) throws(Failure) -> Insertion {
        if reference.hasPrefix("file:") {
            return try contents(of: String(reference.dropFirst("file:".count)))
        }
        var name = reference
        var fallback: String?
        if let separator = reference.firstIndex(of: ":"), reference[separator...].hasPrefix(":-") {
            name = reference[..<separator]
            fallback = String(reference[separator...].dropFirst(2))
        }
        guard Self.isName(name) else {
            throw Failure(
                message: "'${\(reference)}' names no variable",
                hint: "write ${NAME}, ${NAME:-default} or ${file:PATH}; a literal '${' is '$${'")
        }
        if let fallback, fallback.utf8.contains(UInt8(ascii: "{")) {
            throw Failure(message: "the default of '${\(name)}' can't hold another '${'")
        }
        let value = environment[String(name)]
        // As in a shell, `:-` also stands in for an empty variable.
        if let fallback, value?.isEmpty ?? true { return Insertion(text: fallback, origin: .reference) }
        guard let value else {
            if standsIn { return Self.standIn(for: String(name)) }
            throw Failure(
                message: "the environment variable '\(name)' isn't set",
                hint: "set it, or write ${\(name):-default}", isUnset: true)
        }
        return Insertion(text: value, origin: .environment(String(name)))
    }

    private func contents(of path: String) throws(Failure) -> Insertion {
        guard !path.isEmpty, !path.hasPrefix("~") else {
            throw Failure(
                message: "'${file:\(path)}' names no file", hint: "write ${file:/run/secrets/name}")
        }
        let bytes: [UInt8]
        let resolved = FileContents.resolve(path, in: folder)
        do throws(FileContents.ReadError) {
            bytes = try FileContents.read(resolved, limit: Self.maximumFileBytes)
        } catch {
            if standsIn { return Self.standIn(for: "file:\(path)") }
            throw Failure(message: "the file '\(path)' can't be read: \(error.reason)")
        }
        guard bytes.count <= Self.maximumFileBytes else {
            throw Failure(message: "the file '\(path)' is larger than 64 KiB, which no secret is")
        }
        guard var text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(message: "the file '\(path)' isn't UTF-8 text")
        }
        if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
        guard !text.isEmpty else { throw Failure(message: "the file '\(path)' is empty") }
        return Insertion(text: text, origin: .file(resolved))
    }

    /// A text that fits in most places, and is another one for another name.
    private static func standIn(for name: String) -> Insertion {
        let word = name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        return Insertion(text: "unset-" + String(word), origin: .absent(name))
    }

    private static func isName(_ name: Substring) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
        else {
            return false
        }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}
