/// JSON as this program spells it, of what a database spells in its own way: without spaces between its parts, and with the
/// escapes that the files of NDJSON have.
public enum CompactJSON {
    /// Appends the spelling of a JSON document.
    public static func append(_ document: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + document.count)
        var isInString = false
        var place = 0
        while place < document.count {
            let byte = document[place]
            place += 1
            switch byte {
            case UInt8(ascii: "\""): isInString.toggle()
            case UInt8(ascii: " ") where !isInString: continue
            case UInt8(ascii: "\\") where isInString && place < document.count:
                let escaped = document[place]
                place += 1
                switch escaped {
                case UInt8(ascii: "b"): bytes.append(contentsOf: "\\u0008".utf8)
                case UInt8(ascii: "f"): bytes.append(contentsOf: "\\u000c".utf8)
                default:
                    bytes.append(byte)
                    bytes.append(escaped)
                }
                continue
            default: break
            }
            bytes.append(byte)
        }
    }

    /// The spelling of a JSON document.
    public static func of(_ document: String) -> String {
        var document = document
        var bytes: [UInt8] = []
        document.withUTF8 { append(UnsafeRawBufferPointer($0), to: &bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
