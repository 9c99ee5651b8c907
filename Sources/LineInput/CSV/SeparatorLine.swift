/// The line with which some spreadsheets begin, `sep=;`: what stands between the fields of the lines behind it.
enum SeparatorLine {
    /// Consumes it with its line break; the separator, or nil, and nothing is consumed, where there is no such line.
    static func consume(_ input: InputWindow) throws -> UInt8? {
        while input.count < 9, try input.extend() {}
        var text = input.bytes.prefix(9)
        let isQuoted = text.first == UInt8(ascii: "\"")
        if isQuoted { text = text.dropFirst() }
        guard text.prefix(4).lazy.map({ $0 | 0x20 }).elementsEqual("sep=".utf8.lazy.map { $0 | 0x20 }) else {
            return nil
        }
        text = text.dropFirst(4)
        guard let separator = text.popFirst(), separator != 0x0A, separator != 0x0D else { return nil }
        if isQuoted {
            guard text.popFirst() == UInt8(ascii: "\"") else { return nil }
        }
        var length = isQuoted ? 7 : 5
        switch (text.popFirst(), text.popFirst()) {
        case (0x0D, 0x0A): length += 2
        case (0x0A, _), (0x0D, _): length += 1
        case (nil, _): break
        default: return nil
        }
        input.consume(length)
        return separator
    }
}
