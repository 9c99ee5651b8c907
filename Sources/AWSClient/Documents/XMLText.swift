/// Takes the text of single elements out of the flat XML that STS answers with. No attributes, no mixed content.
package enum XMLText {
    /// The text of the first element of this name, its entities replaced; nil where there is none.
    package static func element(_ name: String, in xml: some StringProtocol) -> String? {
        content(name, in: xml).map { unescape($0) }
    }

    /// What stands between the tags of the first element of this name.
    package static func content(_ name: String, in xml: some StringProtocol) -> Substring? {
        let text = Substring(xml)
        guard let open = text.firstRange(of: "<\(name)>"),
            let close = text[open.upperBound...].firstRange(of: "</\(name)>")
        else { return nil }
        return text[open.upperBound..<close.lowerBound]
    }

    private static func unescape(_ text: Substring) -> String {
        guard text.contains("&") else { return SharedFileSections.trim(text) }
        var result = ""
        var rest = text
        while let ampersand = rest.firstIndex(of: "&"), let end = rest[ampersand...].firstIndex(of: ";") {
            result += rest[..<ampersand]
            let entity = rest[rest.index(after: ampersand)..<end]
            result += replacement(entity) ?? "&\(entity);"
            rest = rest[rest.index(after: end)...]
        }
        return SharedFileSections.trim(result + rest)
    }

    private static func replacement(_ entity: Substring) -> String? {
        switch entity {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default:
            guard entity.hasPrefix("#") else { return nil }
            let digits = entity.dropFirst()
            let code = digits.hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
            return code.flatMap(UnicodeScalar.init).map { String($0) }
        }
    }
}
