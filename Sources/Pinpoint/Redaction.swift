internal import AWSClient

/// Takes a user's ID out of what a service says: its message may name the resource that was asked for.
enum Redaction {
    /// Replaces `id`, plain, as it stands in a path (with either case of hexadecimal digits), and as it stands in the
    /// canonical form of that path, where it isn't a part of a longer word.
    static func text(_ text: String, without id: String, encoded: String) -> String {
        guard !text.isEmpty else { return text }
        let forms = [id] + (encoded == id ? [] : [encoded, lowerCaseHex(encoded), PathSegment.encode(encoded)])
        // The longest first: a shorter form may be a part of it.
        return forms.reversed().reduce(text) { replace($1, in: $0) }
    }

    /// `%2F` as `%2f`
    private static func lowerCaseHex(_ text: String) -> String {
        var digits = 0
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    defer { digits = scalar == "%" ? 2 : max(0, digits - 1) }
                    return digits > 0 && ("A"..."F").contains(scalar)
                        ? UnicodeScalar(UInt8(ascii: "a") + UInt8(scalar.value - 65)) : scalar
                }))
    }

    private static func replace(_ id: String, in text: String) -> String {
        guard !id.isEmpty, text.utf8.count >= id.utf8.count else { return text }
        var rest = text[...]
        var result = ""
        while let range = rest.firstRange(of: id) {
            let isWord =
                isWordCharacter(rest[..<range.lowerBound].last ?? result.last)
                || isWordCharacter(rest[range.upperBound...].first)
            result += rest[..<range.lowerBound]
            result += isWord ? id : "•••"
            rest = rest[range.upperBound...]
        }
        return result + rest
    }

    private static func isWordCharacter(_ character: Character?) -> Bool {
        guard let character else { return false }
        return character.isLetter || character.isNumber
    }
}
