/// The words of an SQL text, in upper case: its keywords among them, but nothing that is quoted or a comment.
enum SQLWords {
    static func of(_ sql: String) -> [String] {
        var words: [String] = []
        var word: [UInt8] = []
        var rest = Array(sql.utf8)[...]
        func end() {
            if !word.isEmpty { words.append(String(decoding: word, as: UTF8.self).uppercased()) }
            word = []
        }
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
                word.append(byte)
                continue
            default: end()
            }
            switch byte {
            case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`"):
                // A doubled quote ends a part and begins the next one.
                rest = rest.drop { $0 != byte }.dropFirst()
            case UInt8(ascii: "["):
                rest = rest.drop { $0 != UInt8(ascii: "]") }.dropFirst()
            case UInt8(ascii: "-") where rest.first == UInt8(ascii: "-"):
                rest = rest.drop { $0 != UInt8(ascii: "\n") }
            case UInt8(ascii: "/") where rest.first == UInt8(ascii: "*"):
                rest = rest.dropFirst()
                while let last = rest.popFirst(), last != UInt8(ascii: "*") || rest.first != UInt8(ascii: "/") {}
                rest = rest.dropFirst()
            default: break
            }
        }
        end()
        return words
    }
}
