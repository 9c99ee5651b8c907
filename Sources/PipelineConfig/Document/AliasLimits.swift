/// What a document with aliases must not hold, found in its text before it is parsed.
///
/// An alias puts a value in place by reference. So values can be nested as deep as the file is long, which costs the
/// stack when they are freed, and a key made of aliases of aliases would cost time that doubles with each of them, since
/// the parser compares keys by value. No pipeline needs either. The search sees quoted text and comments too: it may
/// refuse too much, never too little.
enum AliasLimits {
    /// Lines, opening brackets and dashes together bound how deep values can be nested: each level needs one of them.
    private static let maximumParts = 10_000

    /// True where the document may be parsed.
    static func check(_ text: DocumentText, diagnostics: inout DiagnosticCollector) -> Bool {
        let scalars = text.scalars
        guard hasName(after: "*", in: scalars), hasName(after: "&", in: scalars) else { return true }
        let parts = scalars.count { "\n\r[{-".unicodeScalars.contains($0) }
        guard parts <= maximumParts else {
            diagnostics.error("a file of this length can't use aliases", at: nil, hint: "write the values out")
            return false
        }
        if let offset = complexKey(in: scalars) {
            diagnostics.error(
                "aliases can't be used beside keys that aren't plain text", at: text.place(ofOffset: offset))
            return false
        }
        return true
    }

    private static func hasName(after sign: Unicode.Scalar, in scalars: [Unicode.Scalar]) -> Bool {
        scalars.indices.dropLast().contains { scalars[$0] == sign && isName(scalars[$0 + 1]) }
    }

    /// The offset of a sign of such a key: `? `, `*alias :`, or `]:` and `}:` after an alias.
    private static func complexKey(in scalars: [Unicode.Scalar]) -> Int? {
        var lineHasAlias = false
        for (offset, scalar) in scalars.enumerated() {
            let next = offset + 1 < scalars.count ? scalars[offset + 1] : "\n"
            switch scalar {
            case "\n", "\r": lineHasAlias = false
            case "*" where isName(next): lineHasAlias = true
            case "?":
                let before = offset == 0 ? "\n" : scalars[offset - 1]
                if isBlank(before) || "[{,:-".unicodeScalars.contains(before),
                    isBlank(next) || "*&![{".unicodeScalars.contains(next)
                {
                    return offset
                }
            // A key that needs no `?` stands on one line.
            case ":" where lineHasAlias:
                guard let end = scalars[..<offset].lastIndex(where: { $0 != " " && $0 != "\t" }) else { continue }
                if scalars[end] == "]" { return end }
                if scalars[end] == "}", !isReference(scalars, endingAt: end) { return end }
                let name = scalars[...end].lastIndex { !isName($0) }
                if let name, name < end, scalars[name] == "*" { return name }
            default: continue
            }
        }
        return nil
    }

    /// `${NAME}` and its like are no mappings.
    private static func isReference(_ scalars: [Unicode.Scalar], endingAt end: Int) -> Bool {
        guard let brace = scalars[..<end].lastIndex(of: "{"), brace > 0, scalars[brace - 1] == "$" else { return false }
        return scalars[(brace + 1)..<end].allSatisfy { isName($0) || ":/.".unicodeScalars.contains($0) }
    }

    private static func isName(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII
            && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_" || scalar == "-")
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace }
}
