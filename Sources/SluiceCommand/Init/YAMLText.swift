/// Scalars as they stand in a pipeline's file.
enum YAMLText {
    /// A text that means itself: nothing in it is taken for YAML or for a variable.
    static func literal(_ text: String) -> String {
        scalar(text.split(separator: "${", omittingEmptySubsequences: false).joined(separator: "$${"))
    }

    /// A text with variables, `${NAME}`, or without.
    static func scalar(_ text: String) -> String { isPlain(text) ? text : quoted(text) }

    /// A path of names, dotted where that says the same.
    static func names(_ names: [String]) -> String {
        names.contains { $0.contains(".") || $0.contains("*") }
            ? "[" + names.map(literal).joined(separator: ", ") + "]" : literal(names.joined(separator: "."))
    }

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, last != UInt8(ascii: " ") else { return false }
        func isLetterOrDigit(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF)
        }
        // Words and numbers that YAML reads as something other than text stand in quotes.
        let words: Set<String> = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        guard isLetterOrDigit(first) || "_./$".utf8.contains(first), !words.contains(text.lowercased()) else {
            return false
        }
        guard Double(text) == nil, text != ".", !text.hasPrefix(".inf"), !text.hasPrefix(".nan") else { return false }
        let braces = text.contains("${")
        return text.utf8.allSatisfy {
            isLetterOrDigit($0) || "_./- *=<>()'".utf8.contains($0) || braces && "${}:".utf8.contains($0)
        } && !text.contains(": ")
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\t": result += "\\t"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            default:
                if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
                    let digits = String(scalar.value, radix: 16)
                    result += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }
}
