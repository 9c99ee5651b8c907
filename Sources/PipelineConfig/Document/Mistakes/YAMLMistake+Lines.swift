// Blanks, colons and dashes that are missing, and lines that begin in the wrong column.

extension YAMLMistake.Search {
    // MARK: What is missing

    var missingBlank: YAMLMistake? {
        if complaint.says("unexpected ':'") {
            let place = Place(line: complaint.place.line, column: complaint.place.column + 1)
            return YAMLMistake("a space is missing after this ':'", at: place)
        }
        for line in [line, contextLine, previous].compactMap(\.self) {
            let content = line.rest(from: line.column)
            if let mistake = MissingBlank(content) {
                return mistake.mistake(at: Place(line: line.number, column: line.column))
            }
        }
        return nil
    }

    private var contextLine: TextOutline.Line? {
        complaint.context.flatMap { outline.line($0.place.line) }
    }

    /// A line that is nothing but the key, or the key and the value with a blank or an equals sign between them.
    var missingColon: YAMLMistake? {
        guard complaint.says("could not find expected ':'") || complaint.says("mapping values") else {
            return nil
        }
        for line in [complaint.says("mapping values") ? previous : contextLine ?? line].compactMap(
            \.self)
        where line.key == nil && line.dashes.isEmpty && begins(line) {
            let words = line.rest(from: line.column).split(
                separator: " ", omittingEmptySubsequences: true)
            guard let key = words.first,
                key.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" })
            else { return nil }
            let value = words.dropFirst().drop { $0 == "=" }.joined(separator: " ")
            return YAMLMistake(
                "a ':' is missing after '\(key)'", at: Place(line: line.number, column: line.column),
                hint: "write '\(key):\(value.isEmpty ? "" : " \(value)")'")
        }
        return nil
    }

    /// Whether a line stands where keys do: a line that is deeper than the one above goes on with that one's value.
    private func begins(_ line: TextOutline.Line) -> Bool {
        guard outline.line(before: line.number) != nil else { return true }
        return levels(before: line.number).contains { $0.column == line.column && !$0.isDash }
    }

    var missingDash: YAMLMistake? {
        if complaint.says("'-' indicator"), let line, isAmongDashes(line) { return Self.missingDash(before: line) }
        // A value without its dash is a key without its colon to the parser, which goes on to the line below.
        let values = [line, contextLine, previous].compactMap(\.self).filter { $0.key == nil && isAmongDashes($0) }
        return (values.first ?? entryBeforeDash).map(Self.missingDash)
    }

    /// The first of the lines that begin where the first dash of a list stands below them.
    private var entryBeforeDash: TextOutline.Line? {
        guard let line, let dash = line.dashes.first else { return nil }
        let above = outline.lines.reversed().drop { $0.number >= line.number }.prefix { $0.start >= dash }
        guard !above.contains(where: { $0.dashes.first == dash }) else { return nil }
        return above.last { $0.start == dash }
    }

    /// Whether a line begins where the dashes of a list stand, without one.
    private func isAmongDashes(_ line: TextOutline.Line) -> Bool {
        line.dashes.isEmpty && levels(before: line.number).contains { $0.isDash && $0.column == line.column }
    }

    private static func missingDash(before line: TextOutline.Line) -> YAMLMistake {
        YAMLMistake(
            "a '- ' is missing before '\(name(of: line))'", at: Place(line: line.number, column: line.column),
            hint: "each entry of a list begins with one")
    }

    var colonInValue: YAMLMistake? {
        guard complaint.says("mapping values"), let line, let key = line.key,
            key.colon < complaint.place.column
        else {
            return nil
        }
        let value = line.rest(from: key.colon + 1)
        return YAMLMistake(
            "a value that holds ': ' is put in quotes", at: complaint.place,
            hint: "write \(Self.quoted(String(value.drop { $0 == " " })))")
    }

    // MARK: Columns

    /// A column in which the keys of a mapping, or the dashes of a list, begin.
    private struct Level {
        var column: Int
        var isDash: Bool
        /// The last key that began there.
        var name: String
    }

    var indentation: YAMLMistake? {
        guard let line else { return nil }
        let levels = levels(before: line.number)
        let isDash = !line.dashes.isEmpty
        let place = Place(line: line.number, column: line.start)
        guard !levels.contains(where: { $0.column == line.start && $0.isDash == isDash }) else {
            return nil
        }
        // The nearest one, and of two the deeper one.
        let near = levels.filter { $0.isDash == isDash }.reversed().min {
            abs($0.column - line.start) < abs($1.column - line.start)
        }
        guard let near else { return nil }
        if isDash {
            return YAMLMistake(
                "this '-' stands in column \(line.start), but the one above it in column \(near.column)",
                at: place,
                hint: "entries of one list begin in the same column")
        }
        return YAMLMistake(
            "'\(Self.name(of: line))' begins in column \(line.start), but '\(near.name)' above it in column \(near.column)",
            at: place, hint: "options of one mapping begin in the same column")
    }

    /// The columns that a line may begin in, as the lines above it have them, from the outside in.
    private func levels(before number: Int) -> [Level] {
        var levels: [Level] = []
        for line in outline.lines where line.number < number {
            for dash in line.dashes {
                levels.removeAll { $0.column > dash || ($0.column == dash && $0.isDash) }
                levels.append(Level(column: dash, isDash: true, name: ""))
            }
            guard let key = line.key else { continue }
            levels.removeAll { $0.column > line.column || ($0.column == line.column && !$0.isDash) }
            levels.append(Level(column: line.column, isDash: false, name: key.name))
        }
        return levels
    }

    private static func name(of line: TextOutline.Line) -> String {
        if let key = line.key { return key.name }
        let words = line.rest(from: line.column)
        return words.first.map { "[{".contains($0) } == true ? String(words.prefix(1)) : String(words.prefix(40))
    }
}
