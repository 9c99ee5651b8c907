/// Text from outside, made fit for a line of a log or a message.
public enum PrintableText {
    /// Control characters stand as `\\u{1b}`, so that a text can neither forge a line nor steer a terminal; what is
    /// longer than `limit` characters is cut.
    public static func of(_ text: String, limit: Int = 500) -> String {
        var result = ""
        var count = 0
        for scalar in text.unicodeScalars {
            if count == limit { return result + "…" }
            count += 1
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .format:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
