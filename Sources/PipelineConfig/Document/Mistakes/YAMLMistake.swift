/// What a person did wrong in a text that isn't valid YAML, in words of ours and where it was done.
struct YAMLMistake: Equatable {
    var place: Place
    var message: String
    var hint: String?

    /// The mistake behind a complaint of the YAML library; nil where its own words have to do.
    init?(_ complaint: YAMLComplaint, in text: DocumentText) {
        let outline = TextOutline(text)
        let search = Search(complaint: complaint, text: text, outline: outline)
        guard let found = search.found else { return nil }
        self = found
    }

    init(_ message: String, at place: Place, hint: String? = nil) {
        self.place = place
        self.message = message
        self.hint = hint
    }

    static func secondDocument(at place: Place) -> YAMLMistake {
        YAMLMistake("a second YAML document begins here", at: place, hint: "one file holds one pipeline")
    }

    /// Looks around a complaint for what may have led to it.
    struct Search {
        let complaint: YAMLComplaint
        let text: DocumentText
        let outline: TextOutline

        /// What is sure goes first; how lines are indented is judged last, since so much else looks like it.
        var found: YAMLMistake? {
            let checks: [(Self) -> YAMLMistake?] = [
                \.depth, \.conflict, \.anotherDocument, \.tab, \.quote, \.bracket, \.sign, \.missingBlank,
                \.missingColon,
                \.missingDash, \.colonInValue, \.indentation,
            ]
            return checks.lazy.compactMap { $0(self) }.first
        }

        /// The line that the complaint is about.
        var line: TextOutline.Line? { outline.line(complaint.place.line) }

        /// The line above it.
        var previous: TextOutline.Line? { outline.line(before: complaint.place.line) }
    }
}

extension YAMLMistake.Search {
    /// The library has a limit of its own, far beyond ours.
    private var depth: YAMLMistake? {
        complaint.says("Maximum nesting level") ? YAMLMistake(DocumentComposer.tooDeep, at: complaint.place) : nil
    }

    private var conflict: YAMLMistake? {
        guard
            let line = outline.lines.first(where: {
                let text = String(String.UnicodeScalarView($0.text.prefix(8)))
                return text == "<<<<<<< " || text == ">>>>>>> "
            })
        else { return nil }
        return YAMLMistake(
            "a merge conflict isn't resolved here", at: Place(line: line.number, column: 1),
            hint: "choose one of the versions, and remove the lines of marks")
    }

    private var anotherDocument: YAMLMistake? {
        guard complaint.says("<document start>"), previous?.text.starts(with: "...".unicodeScalars) == true else {
            return nil
        }
        return YAMLMistake.secondDocument(at: complaint.place)
    }

    private var tab: YAMLMistake? {
        if text.scalar(at: complaint.place) == "\t" { return Self.tab(at: complaint.place) }
        guard
            let line = outline.lines.first(where: {
                $0.tab != nil && $0.number <= complaint.place.line + 1
            }),
            let column = line.tab
        else { return nil }
        return Self.tab(at: Place(line: line.number, column: column))
    }

    private static func tab(at place: Place) -> YAMLMistake {
        YAMLMistake("a tab can't indent YAML", at: place, hint: "use spaces")
    }
}
