/// Looks for keys that aren't plain text in a document that also has aliases.
///
/// The parser compares keys by value, so a key that is made of aliases of aliases would cost time that doubles with each
/// of them. No option needs such keys, so the text is searched for their signs before it is parsed.
enum ComplexKeys {
    static func place(in text: DocumentText) -> Place? {
        let scalars = text.scalars
        guard scalars.contains("*"), scalars.contains("&") else { return nil }
        var place = Place(line: 1, column: 1)
        var offset = 0
        while offset < scalars.count {
            let end = scalars[offset...].firstIndex { $0 == "\n" || $0 == "\r" } ?? scalars.count
            let line = Array(scalars[offset..<end])
            if let column = sign(in: line) {
                place.column = column + 1
                return place
            }
            offset = end + 1
            if end < scalars.count, !(scalars[end] == "\r" && offset < scalars.count && scalars[offset] == "\n") {
                place.line += 1
            }
        }
        return nil
    }

    /// The offset of `? `, `]:`, `}:` or `*alias :` in a line, comments and quoted text left out.
    private static func sign(in line: [Unicode.Scalar]) -> Int? {
        var quote: Unicode.Scalar?
        var lastToken: (scalar: Unicode.Scalar, isAlias: Bool, offset: Int)?
        for (offset, scalar) in line.enumerated() {
            let isSpace = scalar == " " || scalar == "\t"
            let before = offset == 0 ? " " : line[offset - 1]
            let afterSpace = before == " " || before == "\t" || "[{,-".unicodeScalars.contains(before)
            if let open = quote {
                if scalar == open { quote = nil }
                continue
            }
            if scalar == "#", afterSpace { return nil }
            if scalar == "\"" || scalar == "'", afterSpace {
                quote = scalar
                lastToken = (scalar, false, offset)
                continue
            }
            if isSpace { continue }
            let next = offset + 1 < line.count ? line[offset + 1] : " "
            let beforeSpace = next == " " || next == "\t"
            if scalar == "?", afterSpace, beforeSpace { return offset }
            if scalar == ":", beforeSpace || next == "\"", let last = lastToken {
                if last.scalar == "]" || last.scalar == "}" || last.isAlias { return last.offset }
            }
            if scalar == "*", afterSpace {
                lastToken = (scalar, true, offset)
            } else if afterSpace || lastToken?.isAlias != true {
                lastToken = (scalar, false, offset)
            }
        }
        return nil
    }
}
