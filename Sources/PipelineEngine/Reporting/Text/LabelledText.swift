/// Lines of a label and what it says, one below the other, no wider than a terminal usually is.
struct LabelledText {
    static let width = 80
    private static let indent = 14

    private var lines: [String] = []

    var text: String { lines.joined(separator: "\n") }

    /// A line of its own. One that is too long goes on below, indented.
    mutating func headline(_ text: String, painted: (String) -> String = { $0 }) {
        let parts = Self.wrapped(text, Self.width, rest: Self.width - 2)
        lines += parts.enumerated().map { painted($0.offset == 0 ? $0.element : "  " + $0.element) }
    }

    /// A value that goes on below itself where it is too long; without a label it belongs to the line above.
    mutating func add(_ label: String, _ value: String, painted: (String) -> String = { $0 }) {
        let room = Self.width - Self.indent
        add(label, lines: Self.wrapped(value, room, rest: room).map(painted))
    }

    /// Lines that are as wide as they are.
    mutating func add(_ label: String, lines: [String]) {
        for (index, line) in lines.enumerated() { append(index == 0 ? label : "", line) }
    }

    /// Lines of a table, below a headline.
    mutating func add(table: [String]) { lines += table.map { "  " + $0 } }

    /// A command for a shell, which may be copied as it stands, also where it takes several lines.
    mutating func add(_ label: String, command: [String]) {
        let room = Self.width - Self.indent
        var part = ""
        var label = label
        for word in command {
            if part.isEmpty {
                part = word
            } else if DisplayWidth.of(part) + 1 + DisplayWidth.of(word) + 2 <= room {
                part += " " + word
            } else {
                append(label, part + " \\")
                label = ""
                part = "  " + word
            }
        }
        append(label, part)
    }

    private mutating func append(_ label: String, _ value: String) {
        let space = String(repeating: " ", count: max(1, Self.indent - 2 - DisplayWidth.of(label)))
        lines.append("  \(label)\(space)\(value)")
    }

    /// A text in lines, broken between words; a word that is longer than a line is broken after a slash of its own, or where
    /// it must.
    static func wrapped(_ text: String, _ first: Int, rest: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        var room: Int { lines.isEmpty ? first : rest }
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            var word = String(word)
            if !line.isEmpty, DisplayWidth.of(line) + 1 + DisplayWidth.of(word) <= room {
                line += " " + word
                continue
            }
            if !line.isEmpty { lines.append(line) }
            while DisplayWidth.of(word) > room {
                let head = beginning(of: word, room)
                lines.append(head)
                word = String(word.dropFirst(head.count))
            }
            line = word
        }
        if !line.isEmpty || lines.isEmpty { lines.append(line) }
        return lines
    }

    /// The most of a word that fits.
    private static func beginning(of word: String, _ room: Int) -> String {
        var head = ""
        var width = 0
        for character in word {
            width += DisplayWidth.of(character)
            if width > room { break }
            head.append(character)
        }
        guard let slash = head.lastIndex(of: "/"), slash != head.startIndex else { return head }
        return String(head[...slash])
    }
}
