/// What a file of an archive holds, by its name and its first bytes.
public enum ArchiveContent: Sendable, Equatable {
    case text(Form, utf16: UTF16Order?)
    /// Evidently no part of an export, in words that follow "it is".
    case junk(String)
    /// Something else that may hold endpoints, in words that follow "it is".
    case unreadable(String)
    /// Nothing at all.
    case empty

    /// How it is cut into records.
    public enum Form: Sendable, Equatable {
        /// JSON documents, one on each line.
        case lines
        /// JSON documents or lists over any number of lines.
        case documents
        /// An import file: CSV with Pinpoint's column names.
        case rows(separator: UInt8)
    }

    /// Why a file of this name is evidently no part of an export, in words that follow "it is"; nil where the name says nothing.
    public static func junk(named path: String) -> String? {
        let name = path.split(separator: "/").last ?? ""
        if name == "_SUCCESS" { return "a mark that another program has left" }
        return name.hasSuffix(".crc") ? "a checksum of another file" : nil
    }

    /// Reads no more than it must.
    ///
    /// - Throws: `InputDamage` where the file can't be opened. What can't be read further on is for the reading to meet: it
    ///   counts as lines.
    public static func sniff(_ path: String) throws -> ArchiveContent {
        if let junk = junk(named: path) { return .junk(junk) }
        return try sniff(path) { try InputFile(path: path) }
    }

    /// What a stream holds; its first bytes are still kept.
    public static func sniff(_ stream: InputStream) throws -> ArchiveContent { try sniff("", stream.open) }

    private static func sniff(_ path: String, _ open: () throws -> InputFile) throws -> ArchiveContent {
        let file = try open()
        defer { file.close() }
        do {
            var head = [UInt8](repeating: 0, count: ForeignContent.headLength)
            let count = try head.withUnsafeMutableBytes { try file.read(into: $0) }
            head.removeLast(head.count - count)
            // A compressed file is never empty: the reading says that it is cut off.
            if head.isEmpty {
                return CompressedForm.cutOff(head, named: path) == nil ? .empty : .text(.lines, utf16: nil)
            }
            let utf16 = UTF16Order(markOf: head)
            let form = CompressedForm(head)
            if form == nil, utf16 == nil, let other = ForeignContent.of(head) { return other }
            return try sniff(path, open, form, utf16)
        } catch is InputDamage {
            return .text(.lines, utf16: nil)
        }
    }

    /// - Parameter packing: what the file is compressed with.
    private static func sniff(
        _ path: String, _ open: () throws -> InputFile, _ packing: CompressedForm?, _ utf16: UTF16Order?
    ) throws -> ArchiveContent {
        let input = try InputWindow(open(), named: path, capacity: windowLength, utf16: utf16)
        defer { input.close() }
        var isDamaged = false
        do { while input.count < windowLength, try input.extend() {} } catch is InputDamage { isDamaged = true }
        if input.count == 0 { return isDamaged ? .text(.lines, utf16: utf16) : .empty }
        if let packing, let inner = CompressedForm(input.bytes) {
            return .unreadable("a \(inner) file inside a \(packing) file: unpack it once")
        }
        if utf16 == nil, let packed = UTF16Order(markOf: input.bytes) { return try sniff(path, open, packing, packed) }
        if !isDamaged, let other = ForeignContent.of(Array(input.bytes.prefix(ForeignContent.headLength))) {
            return other
        }
        do {
            if let form = try form(input) { return .text(form, utf16: utf16) }
        } catch is InputDamage { isDamaged = true }
        // What it was can't be told any more; the reading says that it is damaged.
        if isDamaged || holdsDocument(input.bytes) { return .text(.lines, utf16: utf16) }
        return ForeignContent.ofText(input.bytes)
    }

    /// Nil for text that is nothing of what an archive holds.
    private static func form(_ input: InputWindow) throws -> Form? {
        try input.skipByteOrderMark()
        var counter = LineCounter()
        let blanks = try input.skipBlanks(&counter)
        guard let first = blanks.next else { return .lines }
        if first == UInt8(ascii: "{") { return try blanks.hasSeparators ? .documents : formOfDocument(input) }
        let named = try SeparatorLine.consume(input)
        if named != nil { _ = try input.skipBlanks(&counter) }
        for separator in named.map({ [$0] }) ?? CSVSeparator.candidates {
            var scanner = CSVScanner(separator: separator, wanted: nil)
            guard case .row(.complete) = try scanner.scan(input) else { continue }
            if ImportHeader(scanner.fields).isKnown { return .rows(separator: separator) }
        }
        if first == UInt8(ascii: "["), try isList(input) { return .documents }
        return nil
    }

    /// A first line that is a whole document begins a file of lines; so does one that is broken for itself, and that no
    /// document can begin with.
    private static func formOfDocument(_ input: InputWindow) throws -> Form {
        switch try JSONCutter(stopsAtLineBreak: true).end(input) {
        case .broken: return .lines
        case .value(let length):
            let next = try significant(input, from: length, onLine: true)
            return next.map { [UInt8(ascii: "{"), UInt8(ascii: "["), 0x1E].contains($0) } == true ? .documents : .lines
        case .lineBreak(let index):
            let last = input.bytes[..<index].last { !InputWindow.isBlank($0) }
            let next = try significant(input, from: index, onLine: false)
            // Of all that may stand at a line's end in a document, only these may have a map behind them.
            let mayGoOn = last.map { [UInt8(ascii: "["), UInt8(ascii: ","), UInt8(ascii: ":")].contains($0) } ?? false
            return next == UInt8(ascii: "{") && !mayGoOn ? .lines : .documents
        }
    }

    /// A list of maps, or an empty one. A line of a log may begin with a bracket, too.
    private static func isList(_ input: InputWindow) throws -> Bool {
        let next = try significant(input, from: 1, onLine: false)
        return next.map { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "]") } ?? true
    }

    /// The first byte from an index on that isn't white space; nil at the end, of the line or of the input.
    private static func significant(_ input: InputWindow, from start: Int, onLine: Bool) throws -> UInt8? {
        var index = start
        while true {
            while index < input.count {
                let byte = input.bytes[index]
                if onLine, byte == 0x0A || byte == 0x0D { return nil }
                if !InputWindow.isBlank(byte) || (onLine && byte == 0x1E) { return byte }
                index += 1
            }
            if try !input.extend() { return nil }
        }
    }

    /// Whether a line further on begins as a document does. Then the first one is what is wrong: the rest of a line that
    /// `split` has cut, something that a program has logged.
    private static func holdsDocument(_ bytes: some Sequence<UInt8>) -> Bool {
        var isAtStart = false
        for byte in bytes {
            switch byte {
            case 0x0A, 0x0D: isAtStart = true
            case 0x20, 0x09: break
            case UInt8(ascii: "{"):
                if isAtStart { return true }
            default: isAtStart = false
            }
        }
        return false
    }

    private static let windowLength = 16 * 1024
}
