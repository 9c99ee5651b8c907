/// Builds compact JSON text: UTF-8, keys in the order they are written, nothing escaped that needn't be.
public struct JSONWriter: Sendable {
    /// The text so far.
    public private(set) var bytes: [UInt8] = []
    /// True where the next element or key needs a comma before it.
    private var needsComma = false

    public init() {}

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    public mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
        try nest("{", "}", body)
    }

    public mutating func array(_ body: (inout JSONWriter) throws -> Void) rethrows {
        try nest("[", "]", body)
    }

    public mutating func key(_ name: String) {
        separate()
        appendQuoted(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    public mutating func value(_ text: String) {
        separate()
        appendQuoted(text)
        needsComma = true
    }

    public mutating func value(_ number: Int) { literal(String(number)) }
    public mutating func value(_ number: UInt64) { literal(String(number)) }
    public mutating func value(_ flag: Bool) { literal(flag ? "true" : "false") }
    /// - Precondition: `number` is finite.
    public mutating func value(_ number: Double) { literal(String(describing: number)) }
    public mutating func null() { literal("null") }
    public mutating func value(_ number: Int?) {
        if let number { value(number) } else { null() }
    }
    public mutating func value(_ text: String?) {
        if let text { value(text) } else { null() }
    }

    /// A member of the object at hand.
    public mutating func member(_ name: String, _ value: String) {
        key(name)
        self.value(value)
    }
    /// As one with a text; null for what isn't known.
    public mutating func member(_ name: String, _ value: String?) {
        key(name)
        self.value(value)
    }
    public mutating func member(_ name: String, _ value: Int) {
        key(name)
        self.value(value)
    }
    public mutating func member(_ name: String, _ value: Int?) {
        key(name)
        self.value(value)
    }
    /// - Precondition: `value` is finite.
    public mutating func member(_ name: String, _ value: Double) {
        key(name)
        self.value(value)
    }
    public mutating func member(_ name: String, _ value: Bool) {
        key(name)
        self.value(value)
    }

    /// Inserts text that is JSON already.
    public mutating func raw(_ json: String) { literal(json) }

    private mutating func literal(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    private mutating func nest(
        _ opening: Unicode.Scalar, _ closing: Unicode.Scalar, _ body: (inout JSONWriter) throws -> Void
    ) rethrows {
        separate()
        bytes.append(UInt8(ascii: opening))
        needsComma = false
        try body(&self)
        bytes.append(UInt8(ascii: closing))
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = false
    }

    private mutating func appendQuoted(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\r"): bytes.append(contentsOf: "\\r".utf8)
            case UInt8(ascii: "\t"): bytes.append(contentsOf: "\\t".utf8)
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
