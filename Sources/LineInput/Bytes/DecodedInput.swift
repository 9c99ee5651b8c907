/// A file's bytes, inflated where it is gzip: recognised by its first bytes, not by its name.
final class DecodedInput {
    private let file: InputFile
    private let inflater: GzipInflater?
    /// Nil for what is taken as it stands.
    private var decoder: UTF16Decoder?
    /// Uncompressed bytes before the next read.
    private(set) var offset: UInt64 = 0

    /// - Parameters:
    ///   - chunk: Bytes of gzip read at once.
    ///   - end: Of the file, where what lies behind isn't part of the input.
    ///   - utf16: What the file, inflated, is known to be; it is read as UTF-8.
    /// - Throws: `InputDamage` where the file can't be opened, or begins as something that can't hold user IDs.
    init(path: String, chunk: Int = 256 * 1024, end: UInt64? = nil, utf16: UTF16Order? = nil) throws {
        decoder = utf16.map(UTF16Decoder.init)
        let file = try InputFile(path: path, end: end)
        self.file = file
        var signature = [UInt8](repeating: 0, count: 10)
        let length = try signature.withUnsafeMutableBytes { try file.read(into: $0) }
        signature.removeLast(signature.count - length)
        try file.seek(to: 0)
        if signature.starts(with: FileSignature.gzip) {
            inflater = try GzipInflater(file, chunk: chunk)
        } else if signature.count < 2, path.lowercased().hasSuffix(".gz") {
            throw InputDamage(message: "is cut off: it is no complete gzip file", hint: InputDamage.repair)
        } else if utf16 == nil, let name = Self.unreadable.first(where: { signature.starts(with: $0.signature) })?.name
        {
            throw InputDamage(
                message: "is \(name); user IDs are read from UTF-8 text, plain or gzip",
                hint: "Convert the file and run again.")
        } else {
            inflater = nil
        }
    }

    /// What people name by mistake. None of these signatures begins a valid UTF-8 text, zip's and bzip2's aside,
    /// which no list of IDs begins with.
    private static let unreadable: [(signature: [UInt8], name: String)] = [
        ([0xFF, 0xFE], "UTF-16 text"),
        ([0xFE, 0xFF], "UTF-16 text"),
        (FileSignature.zstandard, "a Zstandard file"),
        (FileSignature.xz, "an xz file"),
        (FileSignature.zip, "a zip file or a spreadsheet"),
        (FileSignature.bzip2 + [0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59], "a bzip2 file"),
    ]

    /// Bytes of uncompressed input in all. A gzip file doesn't tell, so there it is taken to be packed as well as what was
    /// read of it so far; nil where that is nothing.
    func size() throws -> UInt64? {
        let stored = try file.size()
        guard let inflater else { return stored }
        return inflater.size(ofStored: stored)
    }

    /// Fills the buffer with uncompressed bytes; none means that the end is reached.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count =
            if decoder != nil {
                try decoder?.read(into: buffer, from: stored) ?? 0
            } else {
                try stored(into: buffer)
            }
        offset += UInt64(count)
        return count
    }

    private func stored(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if let inflater { try inflater.read(into: buffer) } else { try file.read(into: buffer) }
    }

    /// Goes forward to an offset: at once in a plain file, by inflating in a gzip file. The buffer takes what is
    /// inflated on the way.
    ///
    /// - Throws: `InputDamage` where the input ends before the offset; `CancellationError` where the task ends.
    func skip(to target: UInt64, using buffer: UnsafeMutableRawBufferPointer) throws {
        guard let inflater else {
            guard try target <= file.size() else { throw InputDamage.tooShort }
            try file.seek(to: target)
            offset = target
            return
        }
        while offset < target {
            try Task.checkCancellation()
            let wanted = Int(min(UInt64(buffer.count), target - offset))
            let count = try inflater.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
            guard count > 0 else { throw InputDamage.tooShort }
            offset += UInt64(count)
        }
    }

    /// Where the gzip member that holds an uncompressed byte begins in the file; 0 in a plain file, and in UTF-16.
    ///
    /// - Parameter offset: no less than in the call before.
    func member(at offset: UInt64) -> UInt64 { decoder == nil ? inflater?.member(at: offset) ?? 0 : 0 }

    /// Bytes of the file that were read, as they stand there.
    var fileOffset: UInt64 { file.offset }

    func close() { file.close() }
}
