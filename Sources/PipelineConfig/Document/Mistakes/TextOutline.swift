/// A YAML text as its lines, quotes and brackets, read without any care for whether it is valid.
///
/// It is what a person sees in the text: which lines begin in which column, which are `key: value`, which quote and which
/// bracket is never closed.
struct TextOutline {
    /// A line that begins outside of quotes, brackets and blocks of text, and isn't blank or a comment.
    struct Line {
        var number: Int
        /// Without the line break.
        var text: [Unicode.Scalar]
        /// Columns of the dashes that it begins with.
        var dashes: [Int] = []
        /// Where it begins, dashes apart; 1 more than the last character where there is nothing else.
        var column = 1
        var key: Key?

        /// A plain or quoted key that its colon follows.
        struct Key {
            var name: String
            /// The colon's.
            var colon: Int
            var hasValue: Bool
        }

        /// Where the line begins, dashes included.
        var start: Int { dashes.first ?? column }

        /// The column of the first tab of the indentation.
        var tab: Int? {
            let blank = text.prefix { $0 == " " || $0 == "\t" }
            return blank.firstIndex(of: "\t").map { $0 + 1 }
        }

        /// From a column to the end, without a comment and the blanks at the end.
        func rest(from column: Int) -> String {
            var rest = text.dropFirst(column - 1)
            if let comment = rest.indices.first(where: {
                rest[$0] == "#" && ($0 == rest.startIndex || rest[$0 - 1] == " " || rest[$0 - 1] == "\t")
            }) {
                rest = rest[..<comment]
            }
            while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
            return String(String.UnicodeScalarView(rest))
        }
    }

    struct Quote {
        var mark: Unicode.Scalar
        var place: Place
        /// Where the mark that closes it stands.
        var end: Place?
    }

    struct Bracket {
        var mark: Unicode.Scalar
        var place: Place
    }

    private(set) var lines: [Line] = []
    private(set) var quotes: [Quote] = []
    /// Opened and never closed, or closed by a bracket of another kind.
    private(set) var unclosed: [Bracket] = []
    /// They close nothing.
    private(set) var stray: [Bracket] = []

    /// The line of this number, where it is one.
    func line(_ number: Int) -> Line? { lines.first { $0.number == number } }

    /// Where the document begins that has this content: at its `---`, where it has one.
    func documentStart(before content: Place) -> Place {
        let line = lines.last { $0.number <= content.line && $0.text.starts(with: "---".unicodeScalars) }
        return line.map { Place(line: $0.number, column: 1) } ?? content
    }

    /// The last line before another one.
    func line(before number: Int) -> Line? { lines.last { $0.number < number } }

    init(_ text: DocumentText) {
        var reader = OutlineReader(text.scalars)
        reader.read()
        lines = reader.lines
        quotes = reader.quotes
        unclosed = (reader.unclosed + reader.open).sorted { $0.place < $1.place }
        stray = reader.stray
    }
}
