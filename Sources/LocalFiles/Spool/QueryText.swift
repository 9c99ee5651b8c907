/// A query as the configuration gives it, read as far as its words and statements can be told apart without a database.
public struct QueryText: Sendable {
    /// The first word, in upper case: `SELECT`, `WITH`; empty where there is none.
    public let firstWord: String
    /// The query without the semicolons before and after it, a blank in place of each.
    public let withoutSemicolons: String

    /// - Parameter text: SQL with strings as the standard has them, `E'…'`, `$tag$…$tag$`, `"names"`, and comments, which
    ///   may be nested.
    public init(_ text: String) {
        let bytes = Array(text.utf8)
        var plain = bytes
        var word: [UInt8] = []
        var isWordOver = false
        // Semicolons with nothing but blanks and comments behind them so far.
        var trailing: [Int] = []
        var place = 0
        func blank(_ places: [Int]) { for place in places { plain[place] = UInt8(ascii: " ") } }
        while place < bytes.count {
            let next = Self.behindToken(bytes, place)
            let byte = bytes[place]
            let isComment = next > place + 1 && (byte == UInt8(ascii: "-") || byte == UInt8(ascii: "/"))
            if byte == UInt8(ascii: ";") {
                trailing.append(place)
            } else if !isComment, !Self.isBlank(byte) {
                if !isWordOver { blank(trailing) }
                trailing = []
                // Parentheses may come before the first word.
                if Self.isWord(byte), !isWordOver { word = bytes[place..<next].map(Self.upperCase) }
                if byte != UInt8(ascii: "(") { isWordOver = true }
            }
            place = next
        }
        blank(trailing)
        firstWord = String(decoding: word, as: UTF8.self)
        withoutSemicolons = String(decoding: plain, as: UTF8.self)
    }

    /// The place behind the word, string, name, comment or single byte that begins at a place.
    private static func behindToken(_ bytes: [UInt8], _ start: Int) -> Int {
        let byte = bytes[start]
        let following = start + 1 < bytes.count ? bytes[start + 1] : 0
        switch byte {
        case UInt8(ascii: "'"), UInt8(ascii: "\""): return behindQuoted(bytes, start, escapes: false)
        case UInt8(ascii: "E"), UInt8(ascii: "e"):
            if following == UInt8(ascii: "'") { return behindQuoted(bytes, start + 1, escapes: true) }
        case UInt8(ascii: "-"):
            guard following == byte else { return start + 1 }
            return bytes[start...].firstIndex { $0 == 10 || $0 == 13 } ?? bytes.count
        case UInt8(ascii: "/"):
            return following == UInt8(ascii: "*") ? behindComment(bytes, start) : start + 1
        case UInt8(ascii: "$"): return behindDollarQuoted(bytes, start)
        default: break
        }
        guard isWord(byte) else { return start + 1 }
        return bytes[start...].firstIndex { !isWord($0) && $0 != UInt8(ascii: "$") } ?? bytes.count
    }

    private static func behindQuoted(_ bytes: [UInt8], _ start: Int, escapes: Bool) -> Int {
        var place = start + 1
        while place < bytes.count {
            if escapes, bytes[place] == UInt8(ascii: "\\") {
                place += 2
                continue
            }
            // A doubled quote ends one string and begins the next, which comes to the same.
            if bytes[place] == bytes[start] {
                guard escapes, place + 1 < bytes.count, bytes[place + 1] == bytes[start] else { return place + 1 }
                place += 1
            }
            place += 1
        }
        return bytes.count
    }

    private static func behindComment(_ bytes: [UInt8], _ start: Int) -> Int {
        var depth = 0
        var place = start
        while place + 1 < bytes.count {
            if bytes[place] == UInt8(ascii: "/"), bytes[place + 1] == UInt8(ascii: "*") {
                depth += 1
                place += 2
            } else if bytes[place] == UInt8(ascii: "*"), bytes[place + 1] == UInt8(ascii: "/") {
                depth -= 1
                place += 2
                if depth == 0 { return place }
            } else {
                place += 1
            }
        }
        return bytes.count
    }

    /// `$1` is a parameter, no quote.
    private static func behindDollarQuoted(_ bytes: [UInt8], _ start: Int) -> Int {
        guard let second = bytes[(start + 1)...].firstIndex(where: { !isWord($0) }),
            bytes[second] == UInt8(ascii: "$"), !(48...57).contains(bytes[start + 1])
        else { return start + 1 }
        let tag = bytes[start...second]
        var place = second + 1
        while let next = bytes[place...].firstIndex(of: UInt8(ascii: "$")) {
            if bytes[next...].starts(with: tag) { return next + tag.count }
            place = next + 1
        }
        return bytes.count
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (97...122).contains(byte) || (48...57).contains(byte) || byte == 95 || byte >= 128
    }

    private static func upperCase(_ byte: UInt8) -> UInt8 { (97...122).contains(byte) ? byte - 32 : byte }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}
