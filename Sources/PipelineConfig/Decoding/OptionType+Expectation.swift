internal import PipelineCore

extension OptionType {
    /// What a value must be, for "'x' must be …".
    var expectation: String {
        switch self {
        case .text: "text"
        case .pattern(let pattern): pattern.summary
        case .secret: "text"
        case .boolean: "true or false"
        case .integer(let range): "a whole number" + Self.bounds(range, .min, .max) { String($0) }
        case .number(let range):
            "a number"
                + Self.bounds(range, -.greatestFiniteMagnitude, .greatestFiniteMagnitude) { Self.short($0) }
        case .enumeration(let names):
            names.count == 1 ? "'\(names[0])'" : "one of " + names.map(Self.shown).joined(separator: ", ")
        case .duration(let range):
            "a duration such as 500ms, 20s, 5m, 1h or 1d"
                + Self.bounds(range, .zero, .seconds(Int64.max)) { ScalarForms.shown($0) }
        case .size(let range):
            "a size such as 64KB, 256MB or 1GB"
                + Self.bounds(range, 0, .max) { ScalarForms.text(size: $0) }
        case .shareOrCount: "a share from 0% to 100%, or a whole number"
        case .path(allowsDash: false): "a path"
        case .path(allowsDash: true): "a path, or '-' for standard input"
        case .fieldPath: "a path of names such as User.UserId or [User, UserId]"
        case .list: "a list"
        case .map, .object: "a mapping"
        case .document: "any value"
        case .plugin: "a mapping with 'type'"
        }
    }

    /// True where nested plugins must be made to decode it.
    var containsPlugin: Bool {
        switch self {
        case .plugin: true
        case .list(let element), .map(let element): element.containsPlugin
        case .object(let schema): schema.fields.contains { $0.type.containsPlugin }
        default: false
        }
    }

    private static func bounds<Value: Comparable>(
        _ range: ClosedRange<Value>, _ lowest: Value, _ highest: Value, _ text: (Value) -> String
    ) -> String {
        switch (range.lowerBound > lowest, range.upperBound < highest) {
        case (true, true): ", from \(text(range.lowerBound)) to \(text(range.upperBound))"
        case (true, false): ", at least \(text(range.lowerBound))"
        case (false, true): ", at most \(text(range.upperBound))"
        case (false, false): ""
        }
    }

    /// Punctuation and white space in quotes, so that a list of them can be read.
    private static func shown(_ name: String) -> String {
        let isWord = name.unicodeScalars.contains {
            $0.properties.isAlphabetic || $0.properties.numericType != nil
        }
        return isWord ? name : name == "\t" ? "'\\t'" : "'\(name)'"
    }

    private static func short(_ number: Double) -> String {
        if let whole = Int(exactly: number) { return String(whole) }
        return String(describing: number)
    }
}
