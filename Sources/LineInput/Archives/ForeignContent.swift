/// What lies in folders beside an export, by its first bytes.
enum ForeignContent {
    static let headLength = 512

    /// Images and documents that nobody takes for an export.
    private static let junk: [(bytes: [UInt8], name: String)] = [
        ([0x89] + Array("PNG".utf8), "a PNG image"), ([0xFF, 0xD8, 0xFF], "a JPEG image"),
        (Array("GIF8".utf8), "a GIF image"), (Array("II*\0".utf8), "a TIFF image"),
        (Array("MM\0*".utf8), "a TIFF image"),
        ([0, 0, 1, 0], "an icon"), (Array("%PDF-".utf8), "a PDF file"),
    ]

    private static let unreadable: [(bytes: [UInt8], name: String)] = [
        (FileSignature.zip, "a zip file or a spreadsheet: unzip it, or save the sheet as CSV"),
        (Array("PK\u{5}\u{6}".utf8), "a zip file with nothing in it"),
        (FileSignature.bzip2, "a bzip2 file: unpack it with bunzip2"),
        (FileSignature.xz, "an xz file: unpack it with unxz"),
        ([0x04, 0x22, 0x4D, 0x18], "an lz4 file: unpack it with unlz4"),
        (Array("7z".utf8) + [0xBC, 0xAF], "a 7z file: unpack it"),
        (Array("PAR1".utf8), "a Parquet file"), (Array("ORC".utf8), "an ORC file"),
        (Array("Obj\u{1}".utf8), "an Avro file"), (Array("SQLite format 3\0".utf8), "an SQLite database"),
        ([0xD0, 0xCF, 0x11, 0xE0], "an old Office document: save the sheet as CSV"),
    ]

    /// Nil for what may be text.
    static func of(_ head: [UInt8]) -> ArchiveContent? {
        if let name = junk.first(where: { head.starts(with: $0.bytes) })?.name { return .junk(name) }
        if head.starts(with: Array("RIFF".utf8)), head.dropFirst(8).starts(with: Array("WEBP".utf8)) {
            return .junk("a WebP image")
        }
        if let name = unreadable.first(where: { head.starts(with: $0.bytes) })?.name { return .unreadable(name) }
        if head.dropFirst(257).starts(with: Array("ustar".utf8)) { return .unreadable("a tar archive: unpack it") }
        // Of UTF-16 without a byte order mark every second byte is null; text has none at all, or by accident.
        if head.count(where: { $0 == 0 }) * 16 > head.count {
            return .unreadable("binary data, or text that isn't UTF-8")
        }
        return nil
    }

    /// Text that holds no endpoints.
    static func ofText(_ bytes: some Sequence<UInt8>) -> ArchiveContent {
        let head = String(decoding: Array(bytes.prefix(headLength)), as: UTF8.self).lowercased()
        guard head.hasPrefix("<") else {
            return .unreadable("text that begins with neither a JSON document nor the header of an import file")
        }
        if head.contains("<svg") { return .junk("an SVG image") }
        return .unreadable("an HTML or XML page")
    }
}
