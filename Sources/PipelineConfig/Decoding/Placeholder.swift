internal import PipelineCore

/// What a template or a shell should have replaced, and hasn't: `$NAME`, `$(command)`, `{{ name }}`, `<NAME>`.
struct Placeholder: Equatable {
    /// For a message; never the text itself, which may come from outside.
    var what: String
    var hint: String

    private static let variable = Placeholder(
        what: "a '$NAME' that nothing replaces", hint: "write ${NAME} for a variable of the environment")
    private static let template = Placeholder(
        what: "a '{{…}}' that nothing has replaced", hint: "a template is filled in before the pipeline is read")
    private static let blank = Placeholder(
        what: "a '<…>' that nobody has filled in", hint: "write what it stands for")

    /// The first kind of placeholder in a text.
    static func first(in text: some StringProtocol) -> Placeholder? {
        hasVariable(text) ? variable : framed(in: text)
    }

    /// The same in a URL or a text of keywords, where a password may hold anything that isn't a placeholder as a whole.
    ///
    /// - Parameter literal: what of it stands in the pipeline's file.
    static func first(inURL text: String, literal: String) -> Placeholder? {
        if let left = first(in: withoutPassword(text)) { return left }
        if literal.split(whereSeparator: { ":@/= \t'&?".contains($0) }).contains(where: isVariable) { return variable }
        return framed(in: literal)
    }

    private static func framed(in text: some StringProtocol) -> Placeholder? {
        if isFramed(text, "{{", "}}") { return template }
        return isFramed(text, "<", ">") ? blank : nil
    }

    private static func hasVariable(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.indices.dropLast().contains { index in
            guard bytes[index] == UInt8(ascii: "$") else { return false }
            let next = bytes[index + 1]
            return next == UInt8(ascii: "_") || next == UInt8(ascii: "(")
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(next | 0x20)
        }
    }

    private static func isVariable(_ text: Substring) -> Bool {
        hasVariable(text.prefix(2))
            && text.dropFirst().utf8.allSatisfy { byte in
                byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            }
    }

    /// Something between an opening and a closing mark.
    private static func isFramed(_ text: some StringProtocol, _ opening: String, _ closing: String) -> Bool {
        guard let start = text.firstRange(of: opening), let end = text[start.upperBound...].firstRange(of: closing)
        else { return false }
        return start.upperBound < end.lowerBound
    }

    private static func withoutPassword(_ text: String) -> String {
        if let scheme = text.firstRange(of: "://") {
            let rest = text[scheme.upperBound...]
            guard let at = rest.prefix(while: { $0 != "/" && $0 != "?" }).lastIndex(of: "@"),
                let colon = rest[..<at].firstIndex(of: ":")
            else { return text }
            return String(text[...colon] + text[at...])
        }
        guard let key = text.firstRange(of: "password"),
            let equals = text[key.upperBound...].firstIndex(of: "=")
        else { return text }
        let value = text[equals...].dropFirst().drop { $0 == " " }
        let end =
            value.first == "'"
            ? value.dropFirst().firstIndex(of: "'") ?? text.endIndex
            : value.firstIndex { $0.isWhitespace } ?? text.endIndex
        return String(text[...equals] + text[end...])
    }
}

extension OptionDecoder {
    /// What was left unfilled in a path, an ID or an address; nil for other texts, in which anything may stand.
    static func placeholder(
        in result: Interpolation.Result, as type: OptionType, isAddress: Bool
    ) -> Placeholder? {
        switch type {
        case .path, .pattern: Placeholder.first(in: result.text)
        case .text, .secret: isAddress ? Placeholder.first(inURL: result.text, literal: result.literal) : nil
        default: nil
        }
    }
}
