internal import Crypto

/// The files of one table, as far as they are written: a plain value, so that a batch's files are thrown away by
/// forgetting them.
struct TableFiles: Sendable {
    let name: String
    /// How often all of the table was written anew; each time in another folder.
    let generation: Int
    let format: any FileFormat
    /// What begins each file.
    let header: FileSegment
    /// Closed for good, from 0 on.
    var finished: [FinishedFile] = []
    var current: GrowingFile

    init(name: String, generation: Int, format: any FileFormat, header: FileSegment) {
        self.name = name
        self.generation = generation
        self.format = format
        self.header = header
        current = GrowingFile(number: 0)
        take(header)
    }

    var rows: Int { finished.reduce(current.rows) { $0 + $1.rows } }
    var bytes: Int { finished.reduce(current.bytes) { $0 + $1.bytes } }

    /// Counts a segment that is written behind the others.
    mutating func take(_ segment: FileSegment) {
        current.take(segment, checksum: format.checksum(current.checksum, adding: segment))
    }

    /// Ends the file under way and begins the next one.
    ///
    /// - Returns: the bytes that end it, and where they stand.
    mutating func finishCurrent() -> (file: Int, offset: Int, bytes: [UInt8]) {
        let (number, offset) = (current.number, current.bytes)
        let trailer = format.trailer(checksum: current.checksum, length: current.length)
        take(trailer)
        finished.append(
            FinishedFile(rows: current.rows, bytes: current.bytes, length: current.length, sha256: current.sha256))
        current = GrowingFile(number: number + 1)
        take(header)
        return (number, offset, trailer.bytes)
    }

    /// The table's folder while the run is under way.
    var folder: String { RunLayout.folder(name, generation: generation) }

    /// The place of a file while the run is under way.
    func path(_ number: Int) -> String { format.layout.file(number, in: folder) }
}

/// A file that grows no more.
struct FinishedFile: Sendable {
    var rows: Int
    /// The file's size.
    var bytes: Int
    /// Bytes of text, uncompressed.
    var length: Int
    /// Lower-case hex of the file's SHA-256.
    var sha256: String

    var extent: StoredFile.Extent { StoredFile.Extent(bytes: bytes, length: length) }
}

/// A file under way, without its trailer.
struct GrowingFile: Sendable {
    let number: Int
    private(set) var rows = 0
    /// The file's size, header included.
    private(set) var bytes = 0
    /// Bytes of text, uncompressed.
    private(set) var length = 0
    /// Of the text, as the format counts it.
    private(set) var checksum: UInt32 = 0
    private var hash = SHA256()

    /// A file with nothing in it.
    init(number: Int) { self.number = number }

    /// A file as a checkpoint describes it, with the hash of what it holds.
    init(number: Int, rows: Int, bytes: Int, length: Int, checksum: UInt32, hash: SHA256) {
        self.number = number
        self.rows = rows
        self.bytes = bytes
        self.length = length
        self.checksum = checksum
        self.hash = hash
    }

    mutating func take(_ segment: FileSegment, checksum: UInt32) {
        hash.update(data: segment.bytes)
        bytes += segment.bytes.count
        length += segment.length
        rows += segment.rows
        self.checksum = checksum
    }

    /// Lower-case hex of the SHA-256 of what is there so far.
    var sha256: String { Hexadecimal.text(hash.finalize()) }

    var extent: StoredFile.Extent { StoredFile.Extent(bytes: bytes, length: length) }
}

enum Hexadecimal {
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
