/// Takes a user's ID out of what a service says: its message may name the resource that was asked for.
enum Redaction {
    /// Replaces `id`, plain and as it stands in a path, where it isn't a part of a longer word.
    static func text(_ text: String, without id: String, encoded: String) -> String {
        let once = replace(id, in: text)
        return encoded == id ? once : replace(encoded, in: once)
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
