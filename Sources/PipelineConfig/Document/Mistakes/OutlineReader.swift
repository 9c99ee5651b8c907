/// Goes through a text once, character by character, for `TextOutline`.
struct OutlineReader {
    private let scalars: [Unicode.Scalar]
    private var offset = 0
    private var place = Place(line: 1, column: 1)
    /// A value or a key may begin here, and with it a quote or a bracket.
    private var mayBegin = true
    /// Lines indented by more than so many spaces are a block of text; nil where none is under way.
    private var blockIndent: Int?
    private var beginsBlock = false

    private(set) var lines: [TextOutline.Line] = []
    private(set) var quotes: [TextOutline.Quote] = []
    private(set) var open: [TextOutline.Bracket] = []
    private(set) var unclosed: [TextOutline.Bracket] = []
    private(set) var stray: [TextOutline.Bracket] = []

    init(_ scalars: [Unicode.Scalar]) { self.scalars = scalars }

    mutating func read() {
        beginLine()
        while let scalar = current {
            switch scalar {
            case "\n", "\r":
                advance()
                beginLine()
            case " ", "\t":
                if next == "#" { skipLine() } else { advance() }
            case "#" where mayBegin && place.column == 1: skipLine()
            case "\"" where mayBegin, "'" where mayBegin: readQuote(scalar)
            case "[" where mayBegin, "{" where mayBegin:
                open.append(TextOutline.Bracket(mark: scalar, place: place))
                advance()
            case "]" where !open.isEmpty || mayBegin, "}" where !open.isEmpty || mayBegin: close(scalar)
            case "]", "}":
                // Plain text may hold it, but hardly at the end of what brackets have begun.
                if isAfterBracket { close(scalar) } else { advance() }
            case "," where !open.isEmpty:
                mayBegin = true
                advance()
            case ":", "-", "?":
                let isMark =
                    (scalar == ":" || mayBegin)
                    && (next.map { " \t\r\n".unicodeScalars.contains($0) } ?? true)
                mayBegin = isMark || (scalar == ":" && !open.isEmpty && isAfterQuote)
                advance()
            case "$" where next == "{": skipReference()
            case "|" where mayBegin && open.isEmpty, ">" where mayBegin && open.isEmpty:
                beginsBlock = true
                skipLine()
            case "&" where mayBegin, "!" where mayBegin:
                while let scalar = current, !" \t\r\n".unicodeScalars.contains(scalar) { advance() }
            default:
                mayBegin = false
                advance()
            }
        }
    }

    // MARK: Characters

    private var current: Unicode.Scalar? { offset < scalars.count ? scalars[offset] : nil }
    private var next: Unicode.Scalar? { offset + 1 < scalars.count ? scalars[offset + 1] : nil }

    private mutating func advance() {
        guard let scalar = current else { return }
        offset += 1
        if scalar == "\n" || (scalar == "\r" && current != "\n") {
            place = Place(line: place.line + 1, column: 1)
        } else if scalar != "\r" {
            place.column += 1
        }
    }

    private mutating func skipLine() {
        while let scalar = current, scalar != "\n", scalar != "\r" { advance() }
    }

    private var isAfterQuote: Bool {
        offset > 0 && (scalars[offset - 1] == "\"" || scalars[offset - 1] == "'")
    }
    private var isAfterBracket: Bool {
        offset > 0 && (scalars[offset - 1] == "]" || scalars[offset - 1] == "}")
    }

    // MARK: Parts

    private mutating func readQuote(_ mark: Unicode.Scalar) {
        let index = quotes.count
        quotes.append(TextOutline.Quote(mark: mark, place: place))
        advance()
        while let scalar = current {
            if scalar == "\\", mark == "\"" {
                advance()
            } else if scalar == mark {
                if mark == "'", next == "'" { advance() } else { break }
            }
            advance()
        }
        if current != nil { quotes[index].end = place }
        advance()
        mayBegin = false
    }

    private mutating func close(_ mark: Unicode.Scalar) {
        let opening: Unicode.Scalar = mark == "]" ? "[" : "{"
        if let match = open.lastIndex(where: { $0.mark == opening }) {
            unclosed += open[(match + 1)...]
            open.removeSubrange(match...)
        } else {
            stray.append(TextOutline.Bracket(mark: mark, place: place))
        }
        advance()
        mayBegin = false
    }

    /// `${NAME}` in plain text.
    private mutating func skipReference() {
        mayBegin = false
        guard let end = scalars[offset...].firstIndex(where: { "}\n\r".unicodeScalars.contains($0) }),
            scalars[end] == "}"
        else { return advance() }
        while offset <= end { advance() }
    }

    // MARK: Lines

    /// At a line's first character; outside of quotes.
    private mutating func beginLine() {
        guard current != nil, open.isEmpty else { return }
        mayBegin = true
        let end = scalars[offset...].firstIndex { $0 == "\n" || $0 == "\r" } ?? scalars.count
        let text = Array(scalars[offset..<end])
        guard let first = text.firstIndex(where: { $0 != " " && $0 != "\t" }) else { return skipLine() }
        if beginsBlock {
            blockIndent =
                lines.last.map { $0.key == nil ? ($0.dashes.last ?? 1) - 1 : $0.column - 1 } ?? 0
            beginsBlock = false
        }
        if let indent = blockIndent {
            if first > indent { return skipLine() }
            blockIndent = nil
        }
        guard text[first] != "#" else { return skipLine() }
        lines.append(Self.line(text, number: place.line, from: first))
    }

    private static func line(_ text: [Unicode.Scalar], number: Int, from first: Int)
        -> TextOutline.Line
    {
        var line = TextOutline.Line(number: number, text: text)
        var index = first
        while index < text.count, text[index] == "-", index + 1 == text.count || text[index + 1] == " " {
            line.dashes.append(index + 1)
            index += 1
            while index < text.count, text[index] == " " { index += 1 }
        }
        line.column = index + 1
        guard index < text.count, !"[{|>@`%#".unicodeScalars.contains(text[index]) else { return line }
        var colon = index
        if text[index] == "\"" || text[index] == "'" {
            guard let end = text[(index + 1)...].firstIndex(of: text[index]) else { return line }
            colon = end + 1
            while colon < text.count, text[colon] == " " { colon += 1 }
            guard colon < text.count, text[colon] == ":" else { return line }
        } else {
            while colon < text.count,
                !(text[colon] == ":"
                    && (colon + 1 == text.count || " \t".unicodeScalars.contains(text[colon + 1])))
            {
                // A comment, not a key.
                if text[colon] == "#", text[colon - 1] == " " { return line }
                colon += 1
            }
            guard colon < text.count else { return line }
        }
        let name = text[index..<colon].filter { $0 != "\"" && $0 != "'" }
        line.key = TextOutline.Line.Key(
            name: String(String.UnicodeScalarView(name)), colon: colon + 1,
            hasValue: !line.rest(from: colon + 2).allSatisfy { $0 == " " || $0 == "\t" })
        return line
    }
}
