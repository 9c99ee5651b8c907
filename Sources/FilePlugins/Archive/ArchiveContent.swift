/// What a file of an archive holds, by its first bytes.
enum ArchiveContent: Sendable, Equatable {
    /// JSON documents, one on each line; or nothing at all.
    case lines
    /// An import file: CSV with Pinpoint's column names.
    case rows(separator: UInt8)
    /// Something else, in words that follow "it is".
    case other(String)

    /// Reads no more than it must.
    ///
    /// - Throws: `InputDamage` where the file can't be opened. What can't be read further on is for the reading to meet: it
    ///   counts as lines.
    static func sniff(_ path: String) throws -> ArchiveContent {
        let file = try InputFile(path: path)
        defer { file.close() }
        do {
            var head = [UInt8](repeating: 0, count: headLength)
            let count = try head.withUnsafeMutableBytes { try file.read(into: $0) }
            head.removeLast(head.count - count)
            if !head.starts(with: gzipMagic), let other = foreign(head) { return .other(other) }
            return try sniff(InputWindow(path: path, capacity: windowLength))
        } catch is InputDamage {
            return .lines
        }
    }

    private static func sniff(_ input: InputWindow) throws -> ArchiveContent {
        defer { input.close() }
        var isDamaged = false
        do { while input.count < windowLength, try input.extend() {} } catch is InputDamage { isDamaged = true }
        if input.bytes.starts(with: gzipMagic) { return .other("a gzip file inside a gzip file") }
        if !isDamaged, let other = foreign(Array(input.bytes.prefix(headLength))) { return .other(other) }
        try input.skipByteOrderMark()
        _ = try skipBlanks(input)
        guard let first = input.bytes.first else { return .lines }
        if first == UInt8(ascii: "{") { return .lines }
        for separator in separators {
            var scanner = CSVScanner(separator: separator, wanted: nil)
            guard case .row = try scanner.scan(input) else { continue }
            if ImportColumns.isHeader(scanner.fields.prefix(scanner.found)) { return .rows(separator: separator) }
        }
        // What it was can't be told any more; the reading says that it is damaged.
        if isDamaged { return .lines }
        if first == UInt8(ascii: "[") { return .other("a JSON list, where each line must hold one document") }
        if holdsDocument(input.bytes) { return .lines }
        return .other("text that begins with neither a JSON document nor the header of an import file")
    }

    /// Whether a line further on begins as a document does. Then the first one is what is wrong: the rest of a line that
    /// `split` has cut, something that a program has logged.
    private static func holdsDocument(_ bytes: some Sequence<UInt8>) -> Bool {
        var isAtStart = false
        for byte in bytes {
            switch byte {
            case 0x0A: isAtStart = true
            case 0x20, 0x09, 0x0D: break
            case UInt8(ascii: "{"):
                if isAtStart { return true }
            default: isAtStart = false
            }
        }
        return false
    }

    /// Consumes white space in front of the first record; the line feeds among it.
    static func skipBlanks(_ input: InputWindow) throws -> UInt64 {
        var lines: UInt64 = 0
        while true {
            let blank = input.bytes.prefix { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
            lines += UInt64(blank.count { $0 == 0x0A })
            input.consume(blank.count)
            if try input.count > 0 || !input.extend() { return lines }
        }
    }

    private static let separators = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")]
    private static let gzipMagic: [UInt8] = [0x1F, 0x8B]
    private static let headLength = 512
    private static let windowLength = 16 * 1024

    /// What lies in folders beside an export.
    private static let signatures: [(bytes: [UInt8], name: String)] = [
        ([0xFF, 0xFE], "UTF-16 text"), ([0xFE, 0xFF], "UTF-16 text"),
        ([0x89] + Array("PNG".utf8), "a PNG image"), ([0xFF, 0xD8, 0xFF], "a JPEG image"),
        (Array("PAR1".utf8), "a Parquet file"), (Array("ORC".utf8), "an ORC file"),
        (Array("Obj\u{1}".utf8), "an Avro file"), (Array("SQLite format 3\0".utf8), "an SQLite database"),
        (Array("%PDF-".utf8), "a PDF file"), (Array("PK\u{3}\u{4}".utf8), "a zip file or a spreadsheet"),
        (Array("BZh".utf8), "a bzip2 file"), ([0x28, 0xB5, 0x2F, 0xFD], "a Zstandard file"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "an xz file"), ([0x04, 0x22, 0x4D, 0x18], "an lz4 file"),
    ]

    private static func foreign(_ head: [UInt8]) -> String? {
        if let name = signatures.first(where: { head.starts(with: $0.bytes) })?.name { return name }
        if head.dropFirst(257).starts(with: Array("ustar".utf8)) { return "a tar archive" }
        // Of UTF-16 without a byte order mark every second byte is null; text has none at all, or by accident.
        if head.count(where: { $0 == 0 }) * 16 > head.count { return "binary data, or text that isn't UTF-8" }
        return nil
    }
}
