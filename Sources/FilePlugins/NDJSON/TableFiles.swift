internal import Crypto
internal import PipelineCore

/// The files of one table, as far as they are written: a plain value, so that a batch's files are thrown away by
/// forgetting them.
struct TableFiles: Sendable {
    let name: String
    /// How often all of the table was written anew; each time in another folder.
    let generation: Int
    /// Closed for good, from 0 on.
    var finished: [FinishedFile] = []
    var current: GrowingFile

    init(name: String, generation: Int = 0) {
        self.name = name
        self.generation = generation
        current = GrowingFile(number: 0)
    }

    var rows: Int { finished.reduce(current.rows) { $0 + $1.rows } }
    var bytes: Int { finished.reduce(current.bytes) { $0 + $1.bytes } }

    /// Ends the file under way.
    ///
    /// - Returns: the bytes that end it, and where they stand.
    mutating func finishCurrent() -> (file: Int, offset: Int, bytes: [UInt8]) {
        let (number, offset) = (current.number, current.bytes)
        let trailer = GzipMember.trailer(checksum: current.checksum, length: current.length)
        current.take(trailer)
        finished.append(
            FinishedFile(rows: current.rows, bytes: current.bytes, length: current.length, sha256: current.sha256))
        current = GrowingFile(number: number + 1)
        return (number, offset, trailer)
    }

    /// The table's folder while the run is under way; no table's name holds a dot.
    var folderName: String { Self.folderName(name, generation) }

    static func folderName(_ table: String, _ generation: Int) -> String {
        generation == 0 ? table : "\(table).\(generation)"
    }

    /// The place of a file while the run is under way.
    func path(_ number: Int) -> String { Self.path(folderName, number) }

    /// `endpoints/00003.ndjson.gz`
    static func path(_ table: String, _ number: Int) -> String {
        let digits = String(number)
        return "\(table)/\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits).ndjson.gz"
    }
}

/// A file that grows no more.
struct FinishedFile: Sendable {
    var rows: Int
    /// Compressed bytes: the file's size.
    var bytes: Int
    /// Uncompressed bytes.
    var length: Int
    /// Lower-case hex of the file's SHA-256.
    var sha256: String
}

/// A file under way; its gzip member is still open.
struct GrowingFile: Sendable {
    let number: Int
    var rows = 0
    /// Compressed bytes, header included.
    private(set) var bytes = 0
    /// Uncompressed bytes.
    var length = 0
    /// CRC-32 of the uncompressed bytes.
    var checksum: UInt32 = 0
    private var hash = SHA256()

    /// A file with no more than gzip's header in it.
    init(number: Int) {
        self.number = number
        take(GzipMember.header)
    }

    /// A file as a checkpoint describes it, with the hash of what it holds.
    init(number: Int, rows: Int, bytes: Int, length: Int, checksum: UInt32, hash: SHA256) {
        self.number = number
        self.rows = rows
        self.bytes = bytes
        self.length = length
        self.checksum = checksum
        self.hash = hash
    }

    /// Counts bytes that are written behind the others.
    mutating func take(_ bytes: [UInt8]) {
        hash.update(data: bytes)
        self.bytes += bytes.count
    }

    mutating func take(_ segment: DeflateSegment) {
        take(segment.bytes)
        checksum = GzipMember.checksum(checksum, segment.checksum, secondLength: segment.length)
        length += segment.length
        rows += segment.rows
    }

    /// Lower-case hex of the SHA-256 of what is there so far.
    var sha256: String { Hexadecimal.text(hash.finalize()) }
}

enum Hexadecimal {
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
