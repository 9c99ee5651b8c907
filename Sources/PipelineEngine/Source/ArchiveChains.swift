internal import Crypto
internal import PipelineCore

/// What the finished files of an archive are known by: two chains, each link a SHA-256 digest over the link before it (the
/// first one is 32 zero bytes) and one name of the listing.
///
/// A name is its length in UTF-8 bytes and the bytes, then 0x02 where another shard reads it, else 0x00 where the listing leaves
/// it out, else 0x01 and, in `contents`, the file's size and the digest of its records, as `InputHash` makes it; in `states`, its
/// size, the time of its last change and its inode. Lengths and numbers are 8 bytes, big-endian. A file that is left out for
/// what it holds is one without records.
struct ArchiveChains: Sendable, Equatable {
    /// By what was read.
    private(set) var contents = start
    /// By what the system says without opening a file.
    private(set) var states = start

    private static let start = [UInt8](repeating: 0, count: SHA256.byteCount)

    init() {}

    init(contents: [UInt8], states: [UInt8]) {
        self.contents = contents
        self.states = states
    }

    /// Adds the next name of the listing.
    ///
    /// - Parameter records: The digest of its records.
    mutating func append(_ file: ListedFile, records: [UInt8]) {
        contents = Self.link(behind: contents, file) { hash in
            hash.update(file.size)
            hash.update(data: records)
        }
        appendState(of: file)
    }

    /// Adds the next name of the listing to the chain that needs no content.
    mutating func appendState(of file: ListedFile) {
        states = Self.link(behind: states, file) { hash in
            hash.update(file.size)
            hash.update(UInt64(bitPattern: file.modified))
            hash.update(file.inode)
        }
    }

    /// Adds the next name of the listing, which is another shard's, to both chains.
    mutating func pass(_ file: ListedFile) {
        contents = Self.link(behind: contents, file, isPassed: true) { _ in }
        states = Self.link(behind: states, file, isPassed: true) { _ in }
    }

    private static func link(
        behind last: [UInt8], _ file: ListedFile, isPassed: Bool = false, _ add: (inout SHA256) -> Void
    ) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: last)
        hash.update(nameOf: file, isPassed: isPassed)
        if file.leftOut == nil { add(&hash) }
        return Array(hash.finalize())
    }

    /// Lower-case hex of SHA-256 over all names of a listing, written as in the chains, each file with its size.
    static func digest(of listing: [ListedFile]) -> String {
        var hash = SHA256()
        for file in listing {
            hash.update(nameOf: file)
            if file.leftOut == nil { hash.update(file.size) }
        }
        return hexadecimal(hash.finalize())
    }
}

extension SHA256 {
    fileprivate mutating func update(_ number: UInt64) {
        withUnsafeBytes(of: number.bigEndian) { update(bufferPointer: $0) }
    }

    fileprivate mutating func update(nameOf file: ListedFile, isPassed: Bool = false) {
        let name = Array(file.name.utf8)
        update(UInt64(name.count))
        update(data: name)
        update(data: [isPassed ? 2 : file.leftOut == nil ? 1 : 0])
    }
}
