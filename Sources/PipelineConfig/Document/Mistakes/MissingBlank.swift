/// `key:value` or `-value`, which YAML takes for plain text.
struct MissingBlank: Equatable {
    /// What the blank has to follow, in characters from the beginning.
    private var length: Int
    private var before: String
    private var after: String

    /// Nil for a text that begins in another way.
    init?(_ text: String) {
        let word = text.prefix { $0 != " " }
        if word.hasPrefix("-"), let next = word.dropFirst().first,
            next.isLetter || next == "*" || next == "\""
        {
            (length, before, after) = (1, "-", String(text.dropFirst()))
            if let another = after.firstRange(of: " -") { after = String(after[..<another.lowerBound]) }
            return
        }
        guard let colon = word.firstIndex(of: ":"), colon > word.startIndex,
            word[..<colon].allSatisfy({
                ($0.isASCII && ($0.isLetter || $0.isNumber)) || $0 == "_" || $0 == "-"
            }),
            word.first?.isNumber == false
        else { return nil }
        let rest = word[word.index(after: colon)...]
        // A URL is no key, but it may be a value, as a reference may be, and hold colons then.
        guard !rest.isEmpty, !rest.hasPrefix("//"),
            !rest.contains(":") || rest.hasPrefix("${") || rest.contains("://")
        else { return nil }
        (length, before, after) = (
            word.distance(from: word.startIndex, to: colon) + 1, "\(word[...colon])", String(rest)
        )
    }

    /// The key, where a blank makes it one.
    var key: String? { before.hasSuffix(":") ? String(before.dropLast()) : nil }

    /// The value that stands behind it.
    var value: String { after }

    func place(from start: Place) -> Place { Place(line: start.line, column: start.column + length) }

    /// - Parameter start: where the text begins.
    func mistake(at start: Place) -> YAMLMistake {
        YAMLMistake(
            "a space is missing after '\(before)'", at: place(from: start),
            hint: "write '\(before) \(after)'")
    }
}
