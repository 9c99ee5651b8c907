/// What a scan finds.
extension CSVScanner {
    /// What begins at the window's start. Where all fields are wanted it isn't consumed.
    enum Scan {
        case end
        /// An empty line, of which `length` bytes are to be consumed.
        case blank(length: Int)
        case row(Row)
    }

    enum Row {
        case complete(Extent)
        /// A quoted field without an end, or, where all fields are wanted, too long a one. `lines` counts the line breaks
        /// before its quote.
        case unterminatedQuote(lines: Int)
        /// Only where all fields are wanted.
        case tooLong
    }

    /// How far a row goes.
    struct Extent {
        var fieldCount = 0
        /// Bytes without the line break that ends the row, and with it, from the window's start.
        var text = 0
        var length = 0
        /// Line breaks, those in quoted fields and the one that ends the row.
        var lines = 0
        /// Bytes outside of quoted fields.
        var plainBytes = 0
        /// A field beyond the row's width isn't empty.
        var hasSurplus = false
        /// The field that is wanted begins with a quote.
        var isQuoted = false
        /// Text stands behind the closing quote of the field that is wanted.
        var hasTail = false
        /// A quoted field of several lines has text behind its closing quote, so what is in it may be rows.
        var isDoubtful = false

        /// Why such a row isn't taken.
        static let doubt =
            "text stands behind the quote that closes a field of several lines, so a quote is missing before it"
        /// For messages: `the row has 2 fields`.
        var size: String { "the row has \(fieldCount) field\(fieldCount == 1 ? "" : "s")" }
    }

    /// A quoted field is longer than its bound; `lines` counts the line breaks before its quote.
    struct FieldTooLong: Error {
        var lines: Int
    }

    /// What stands outside of quotes in a field.
    struct PlainText {
        var count = 0
        /// Nothing but spaces and tabs.
        var isBlank = true
    }
}
