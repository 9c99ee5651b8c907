/// Finds where a JSON value ends, by its brackets and strings alone. Whether it is JSON is looked at elsewhere.
struct JSONCutter {
    /// Ends at the first line break that stands in an open bracket.
    var stopsAtLineBreak = false

    /// A value's bound in bytes: what is held in memory at once.
    static let longestValue = 16 << 20

    enum End {
        /// Behind the value.
        case value(length: Int)
        /// A line break inside it, where those are looked for.
        case lineBreak(index: Int)
        /// A clause that says why it has no end.
        case broken(String)
    }

    /// Where the value at the window's start ends. The window must hold a byte that isn't white space; it is extended as
    /// needed, and nothing is consumed.
    func end(_ input: InputWindow) throws -> End {
        // Brackets that are open, each as what closes it.
        var open: [UInt8] = []
        var isInString = false
        var isEscaped = false
        var index = 0
        func value(_ length: Int) -> End { length > Self.longestValue ? Self.tooLong : .value(length: length) }
        while true {
            let bytes = input.bytes
            while index < bytes.count {
                let byte = bytes[index]
                if isInString {
                    if isEscaped {
                        isEscaped = false
                    } else if byte == UInt8(ascii: "\\") {
                        isEscaped = true
                    } else if byte == UInt8(ascii: "\"") {
                        isInString = false
                        if open.isEmpty { return value(index + 1) }
                    } else if byte == 0x0A || byte == 0x0D {
                        return .broken("a text in the document isn't closed on its line")
                    }
                    index += 1
                    continue
                }
                switch byte {
                case UInt8(ascii: "\""):
                    if open.isEmpty, index > 0 { return value(index) }
                    isInString = true
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    if open.isEmpty, index > 0 { return value(index) }
                    open.append(byte + 2)
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    if open.isEmpty, index > 0 { return value(index) }
                    guard open.popLast() == byte else { return .broken("the document's brackets don't match") }
                    if open.isEmpty { return value(index + 1) }
                case UInt8(ascii: ","), 0x20, 0x09, 0x1E, 0x1A:
                    if open.isEmpty { return value(index) }
                case 0x0A, 0x0D:
                    if open.isEmpty { return value(index) }
                    if stopsAtLineBreak { return .lineBreak(index: index) }
                default: break
                }
                index += 1
            }
            if index > Self.longestValue { return Self.tooLong }
            if try !input.extend() {
                return open.isEmpty && !isInString ? value(index) : .broken("the file ends in the middle of a document")
            }
        }
    }

    private static let tooLong = End.broken("the document is longer than 16 MiB")
}
