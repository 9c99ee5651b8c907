/// The bytes of a configuration file as text that YAML can take, with the first thing that forbids it.
struct DocumentText {
    /// A file beyond this is no configuration.
    static let maximumBytes = 1 << 20

    /// Without a byte order mark.
    private(set) var scalars: [Unicode.Scalar]
    var text: String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }

    /// Nil, with a diagnostic, where the bytes are no text.
    init?(_ bytes: [UInt8], diagnostics: inout DiagnosticCollector) {
        guard bytes.count <= Self.maximumBytes else {
            diagnostics.error("the file is larger than 1 MiB, which no pipeline needs", at: nil)
            return nil
        }
        var place = Place(line: 1, column: 1)
        var decoder = UTF8()
        var input = bytes.makeIterator()
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(bytes.count)
        decoding: while true {
            switch decoder.decode(&input) {
            case .emptyInput: break decoding
            case .error:
                diagnostics.error("the file isn't UTF-8 here", at: place, hint: "save it as UTF-8")
                return nil
            case .scalarValue("\u{FEFF}") where scalars.isEmpty && place.column == 1: continue
            case .scalarValue(let scalar):
                guard Self.isAllowed(scalar) else {
                    let code = String(scalar.value, radix: 16, uppercase: true)
                    let padded = String(repeating: "0", count: max(0, 4 - code.count)) + code
                    diagnostics.error("the character U+\(padded) can't stand in YAML", at: place)
                    return nil
                }
                Self.advance(&place, over: scalar, after: scalars.last)
                scalars.append(scalar)
            }
        }
        self.scalars = scalars
    }

    /// YAML's printable characters.
    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D, 0x20...0x7E, 0x85, 0xA0...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF:
            true
        default: false
        }
    }

    /// Counts as libyaml does: CR LF is one break, and NEL, LS and PS are breaks too.
    private static func advance(
        _ place: inout Place, over scalar: Unicode.Scalar, after last: Unicode.Scalar?
    ) {
        switch scalar {
        case "\n" where last == "\r": break
        case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}":
            place = Place(line: place.line + 1, column: 1)
        default: place.column += 1
        }
    }

    /// The offset in `scalars` of a place, nil where the text has no such place.
    func offset(of wanted: Place) -> Int? {
        var place = Place(line: 1, column: 1)
        var last: Unicode.Scalar?
        for (offset, scalar) in scalars.enumerated() {
            if place == wanted, !(scalar == "\n" && last == "\r") { return offset }
            Self.advance(&place, over: scalar, after: last)
            last = scalar
        }
        return nil
    }

    func place(ofOffset wanted: Int) -> Place {
        var place = Place(line: 1, column: 1)
        for offset in 0..<wanted {
            Self.advance(&place, over: scalars[offset], after: offset == 0 ? nil : scalars[offset - 1])
        }
        return place
    }

    /// The character at a place.
    func scalar(at place: Place) -> Unicode.Scalar? { offset(of: place).map { scalars[$0] } }

    /// The character that follows the one at a place.
    func scalar(after place: Place) -> Unicode.Scalar? {
        offset(of: place).flatMap { $0 + 1 < scalars.count ? scalars[$0 + 1] : nil }
    }

    mutating func replace(at offset: Int, with scalar: Unicode.Scalar) { scalars[offset] = scalar }
}
