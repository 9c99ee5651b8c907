/// A file's bytes, unpacked where it is compressed: recognised by its first bytes, not by its name.
final class DecodedInput {
    private let file: InputFile
    private let decompressor: (any Decompressor)?
    /// Nil for what is taken as it stands.
    private var decoder: UTF16Decoder?
    /// Uncompressed bytes before the next read.
    private(set) var offset: UInt64 = 0

    /// - Parameters:
    ///   - file: at its beginning.
    ///   - path: its name.
    ///   - chunk: Bytes of a compressed file read at once.
    ///   - utf16: What the file, unpacked, is known to be; it is read as UTF-8.
    /// - Throws: `InputDamage` where the file begins as something that can't hold user IDs.
    init(_ file: InputFile, named path: String, chunk: Int, utf16: UTF16Order? = nil) throws {
        decoder = utf16.map(UTF16Decoder.init)
        self.file = file
        var signature = [UInt8](repeating: 0, count: 10)
        let length = try signature.withUnsafeMutableBytes { try file.read(into: $0) }
        signature.removeLast(signature.count - length)
        try file.seek(to: 0)
        if let form = CompressedForm(signature) {
            decompressor = try form.decompressor(file, chunk: chunk)
        } else if let form = CompressedForm.cutOff(signature, named: path) {
            throw InputDamage(message: "is cut off: it is no complete \(form) file", hint: InputDamage.repair)
        } else if utf16 == nil, let name = Self.unreadable.first(where: { signature.starts(with: $0.signature) })?.name
        {
            throw InputDamage(
                message: "is \(name); user IDs are read from UTF-8 text, plain, gzip or zstd",
                hint: "Convert the file and run again.")
        } else {
            decompressor = nil
        }
    }

    /// What people name by mistake. None of these signatures begins a valid UTF-8 text, zip's and bzip2's aside,
    /// which no list of IDs begins with.
    private static let unreadable: [(signature: [UInt8], name: String)] = [
        ([0xFF, 0xFE], "UTF-16 text"),
        ([0xFE, 0xFF], "UTF-16 text"),
        (FileSignature.xz, "an xz file"),
        (FileSignature.zip, "a zip file or a spreadsheet"),
        (FileSignature.bzip2 + [0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59], "a bzip2 file"),
    ]

    /// Bytes of uncompressed input in all. A compressed file doesn't tell, so there it is taken to be packed as well as
    /// what was read of it so far; nil where that is nothing.
    func size() throws -> UInt64? {
        let stored = try file.size()
        guard let decompressor else { return stored }
        return decompressor.size(ofStored: stored)
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
        if let decompressor { try decompressor.read(into: buffer) } else { try file.read(into: buffer) }
    }

    /// Goes forward to an offset: at once in a plain file, by unpacking in a compressed one. The buffer takes what
    /// is unpacked on the way.
    ///
    /// - Throws: `InputDamage` where the input ends before the offset; `CancellationError` where the task ends.
    func skip(to target: UInt64, using buffer: UnsafeMutableRawBufferPointer) throws {
        guard let decompressor else {
            guard try target <= file.size() else { throw InputDamage.tooShort }
            try file.seek(to: target)
            offset = target
            return
        }
        while offset < target {
            try Task.checkCancellation()
            let wanted = Int(min(UInt64(buffer.count), target - offset))
            let count = try decompressor.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
            guard count > 0 else { throw InputDamage.tooShort }
            offset += UInt64(count)
        }
    }

    /// Where the member that holds an uncompressed byte begins in the file; 0 in a plain file, and in UTF-16.
    ///
    /// - Parameter offset: no less than in the call before.
    func member(at offset: UInt64) -> UInt64 { decoder == nil ? decompressor?.member(at: offset) ?? 0 : 0 }

    /// Bytes of the file that were read, as they stand there.
    var fileOffset: UInt64 { file.offset }

    func close() { file.close() }
}
