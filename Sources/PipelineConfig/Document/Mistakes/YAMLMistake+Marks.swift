// Quotes, brackets, and the characters that mean something at the beginning of a value.

extension YAMLMistake.Search {
    var quote: YAMLMistake? {
        if complaint.says("unknown escape character"), let escaped = text.scalar(after: complaint.place) {
            return YAMLMistake(
                "'\\\(escaped)' has no meaning between double quotes", at: complaint.place,
                hint: "write '\\\\' for a backslash, or use single quotes")
        }
        if complaint.says("unexpected end of stream"), complaint.isAbout("quoted scalar"),
            let begin = complaint.context?.place
        {
            return Self.unclosed(text.scalar(at: begin) ?? "\"", at: begin)
        }
        // What follows a closing mark tells that it was meant to open.
        guard
            let quote = outline.quotes.last(where: {
                guard let end = $0.end else { return false }
                return end < complaint.place && end.line == complaint.place.line
            }), let end = quote.end, !complaint.says("',' or"),
            isFollowedByText(end)
        else { return nil }
        if quote.place.line < end.line { return Self.unclosed(quote.mark, at: quote.place) }
        guard !complaint.says("mapping values") else { return nil }
        return YAMLMistake(
            "text follows the quote that closes this value", at: complaint.place,
            hint: "put all of the value between the quotes")
    }

    private static func unclosed(_ mark: Unicode.Scalar, at place: Place) -> YAMLMistake {
        YAMLMistake(
            "this quote isn't closed", at: place, hint: "write another \(mark) where the value ends")
    }

    /// Whether something else than the end of a value comes after a quote's end.
    private func isFollowedByText(_ end: Place) -> Bool {
        guard var offset = text.offset(of: end) else { return false }
        offset += 1
        while offset < text.scalars.count, text.scalars[offset] == " " { offset += 1 }
        guard offset < text.scalars.count else { return false }
        return !",]}:#\n\r".unicodeScalars.contains(text.scalars[offset])
    }

    var bracket: YAMLMistake? {
        if let stray = outline.stray.first(where: { $0.place <= complaint.place }) {
            return YAMLMistake("this '\(stray.mark)' closes nothing", at: stray.place, hint: "remove it")
        }
        let hasEnded = complaint.says("',' or") || complaint.says("end of stream")
        if let open = outline.unclosed.last(where: { $0.place < complaint.place }),
            hasEnded || complaint.isAbout("flow") || open.place.line < complaint.place.line
        {
            let closing = open.mark == "[" ? "]" : "}"
            return YAMLMistake(
                "this '\(open.mark)' isn't closed", at: open.place, hint: "write '\(closing)' where it ends"
            )
        }
        guard complaint.says("',' or") else { return nil }
        return missingComma
    }

    private var missingComma: YAMLMistake? {
        guard var offset = text.offset(of: complaint.place) else { return nil }
        let ends = " \t,[]{}\n\r".unicodeScalars
        if text.scalars[offset] == ":" {
            // The key before the colon was taken for a part of the value before it.
            while offset > 0, !ends.contains(text.scalars[offset - 1]) { offset -= 1 }
        }
        let place = text.place(ofOffset: offset)
        var word = text.scalars[offset...].prefix { !ends.contains($0) && $0 != ":" }
        if word.isEmpty { word = text.scalars[offset...].prefix(1) }
        return YAMLMistake(
            "a ',' is missing before '\(String(String.UnicodeScalarView(word)))'", at: place)
    }

    var sign: YAMLMistake? {
        if complaint.says("cannot start any token") || complaint.isAbout("scanning a directive"),
            let place = complaint.isAbout("directive") ? complaint.context?.place : complaint.place,
            let sign = text.scalar(at: place), "@`%|>".unicodeScalars.contains(sign)
        {
            return YAMLMistake(
                "a value can't begin with '\(sign)'", at: place,
                hint: "put it in quotes: \(quoted(at: place))")
        }
        if complaint.says("alphabetic or numeric character"),
            complaint.isAbout("an alias") || complaint.isAbout("an anchor"),
            let place = complaint.context?.place, let sign = text.scalar(at: place)
        {
            return YAMLMistake(
                "a value that begins with '\(sign)' is put in quotes", at: place,
                hint: "write \(quoted(at: place))")
        }
        if complaint.says("node content"), let sign = text.scalar(at: complaint.place), sign == "," {
            return YAMLMistake("this ',' has nothing before it", at: complaint.place, hint: "remove it")
        }
        if complaint.says("undefined alias"), let offset = text.offset(of: complaint.place) {
            let name = text.scalars[(offset + 1)...].prefix {
                !" \t,[]{}\n\r".unicodeScalars.contains($0)
            }
            return YAMLMistake(
                "no anchor '&\(String(String.UnicodeScalarView(name)))' stands above", at: complaint.place,
                hint: "a value that begins with '*' is put in quotes")
        }
        if complaint.says("comment or line break"), complaint.isAbout("block scalar"),
            let place = complaint.context?.place, let sign = text.scalar(at: place)
        {
            return YAMLMistake(
                "the text after '\(sign)' begins on the next line", at: place,
                hint: "or leave the '\(sign)' out")
        }
        return nil
    }

    /// The plain value at a place, as it would be written between quotes.
    private func quoted(at place: Place) -> String {
        guard let offset = text.offset(of: place) else { return "\"…\"" }
        let line = text.scalars[..<offset].lastIndex { $0 == "\n" || $0 == "\r" } ?? -1
        let isFlow = text.scalars[(line + 1)..<offset].contains { $0 == "[" || $0 == "{" }
        let ends: [Unicode.Scalar] = isFlow ? [",", "]", "}", "\n", "\r"] : ["\n", "\r"]
        return Self.quoted(
            String(String.UnicodeScalarView(text.scalars[offset...].prefix { !ends.contains($0) })))
    }

    /// Text between double quotes.
    static func quoted(_ value: String) -> String {
        var value = value
        if let comment = value.firstRange(of: " #") { value = String(value[..<comment.lowerBound]) }
        while value.hasSuffix(" ") { value.removeLast() }
        return value.contains("\"") || value.contains("\\") ? "'\(value)'" : "\"\(value)\""
    }
}
