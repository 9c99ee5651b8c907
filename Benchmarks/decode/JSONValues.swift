internal import PipelineCore

/// A document as one line of text that another decoder's result can be compared with.
enum JSONValues {
    static func describe(_ frame: Frame) -> String {
        do {
            return describe(try JSONTape(decoding: frame.body).root)
        } catch {
            return "error \(error)"
        }
    }

    /// `n`, `t`, `f`, `i<digits>`, `d<bits of the double>`, `s<hex of WTF-8>`, `[…]`, `{name:value,…}`.
    private static func describe(_ node: JSONNode) -> String {
        switch node.kind {
        case .null: return "n"
        case .true: return "t"
        case .false: return "f"
        case .number:
            if !node.numberText.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "e") || $0 == UInt8(ascii: ".") }) {
                return "i" + (node.numberText == "-0" ? "0" : node.numberText)
            }
            return "d" + String(node.double?.bitPattern ?? 0, radix: 16)
        case .string: return "s" + hexadecimal(node.textBytes ?? [])
        case .array: return "[" + node.elements.map(describe).joined(separator: ",") + "]"
        case .object:
            // In the order of names, because another decoder may keep a duplicate's first place.
            let members = node.nameBytes.map { (hexadecimal($0.name), describe($0.value)) }
            return "{" + members.sorted { $0.0 < $1.0 }.map { "\($0.0):\($0.1)" }.joined(separator: ",") + "}"
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
