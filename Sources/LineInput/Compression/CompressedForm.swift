/// What a file is compressed with, told by its first bytes and never by its name.
public enum CompressedForm: String, CaseIterable, Sendable {
    case gzip
    case zstd

    /// Ends the names that such files usually have.
    public var suffix: String {
        switch self {
        case .gzip: ".gz"
        case .zstd: ".zst"
        }
    }

    /// A file's name without what says that it is compressed, in whatever case that is written.
    public static func nameUnpacked(_ name: String) -> Substring {
        let suffix = allCases.map(\.suffix).first { name.lowercased().hasSuffix($0) }
        return name.dropLast(suffix?.count ?? 0)
    }

    /// Nil for what isn't compressed in one of these forms.
    init?(_ head: some Collection<UInt8>) {
        guard let form = Self.allCases.first(where: { $0.begins(head) }) else { return nil }
        self = form
    }

    private func begins(_ head: some Collection<UInt8>) -> Bool {
        switch self {
        case .gzip: head.starts(with: FileSignature.gzip)
        case .zstd: ZstdFrameHeader.isSignature(head)
        }
    }

    /// The form of which a file is cut off before its first bytes tell: by its name, which nothing in it contradicts.
    static func cutOff(_ head: [UInt8], named path: String) -> Self? {
        allCases.first { form in
            guard path.lowercased().hasSuffix(form.suffix) else { return false }
            switch form {
            case .gzip: return head.count < FileSignature.gzip.count && FileSignature.gzip.starts(with: head)
            case .zstd: return ZstdFrameHeader.isCutSignature(head)
            }
        }
    }

    /// How many bytes of a file's content have to be kept while it is read, by its first bytes; 0 where that is next to nothing.
    ///
    /// - Throws: `InputDamage` where it can't be opened or read.
    public static func window(ofFile path: String) throws -> UInt64 {
        let file = try InputFile(path: path)
        defer { file.close() }
        var head = [UInt8](repeating: 0, count: ZstdFrameHeader.longest)
        let count = try head.withUnsafeMutableBytes { try file.read(into: $0) }
        return ZstdFrameHeader(head.prefix(count))?.window ?? 0
    }

    /// - Parameters:
    ///   - file: at its beginning, which has been found to be of this form.
    ///   - chunk: bytes read from the file at once.
    func decompressor(_ file: InputFile, chunk: Int) throws -> any Decompressor {
        switch self {
        case .gzip: try GzipInflater(file, chunk: chunk)
        case .zstd: try ZstdDecompressor(file, chunk: chunk)
        }
    }
}

/// Gives a compressed file's content. Such a file is members behind each other, which know nothing of each other: gzip's
/// members, zstd's frames.
protocol Decompressor: AnyObject {
    /// Fills the buffer with uncompressed bytes; none means that the end is reached.
    ///
    /// - Throws: `InputDamage` where the data ends early or is corrupt; bytes before the damage come first.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int

    /// Where the member that holds an uncompressed byte begins in the file; of a byte that wasn't read yet, the last member
    /// that was.
    ///
    /// - Parameter offset: no less than in the call before.
    func member(at offset: UInt64) -> UInt64

    /// What a file of so many bytes would come to if the rest is packed as well as what was read; nil where that is nothing.
    func size(ofStored stored: UInt64) -> UInt64?
}

// What every form's damage is called.
extension CompressedForm {
    var cutOff: InputDamage {
        InputDamage(
            message: "is cut off: the file ends in the middle of its \(rawValue) data", hint: InputDamage.repair)
    }

    func corrupt(_ detail: String) -> InputDamage {
        InputDamage(message: "is corrupt \(rawValue) data (\(detail))", hint: InputDamage.repair)
    }

    /// - Parameter place: "its zero padding"; nil for the members themselves.
    func trailingGarbage(behind place: String? = nil) -> InputDamage {
        InputDamage(
            message: "holds something other than \(rawValue) data behind \(place ?? "its \(rawValue) data")",
            hint: InputDamage.repair)
    }

    static let outOfMemory = InputDamage(
        message: "can't be unpacked: out of memory", hint: "Free some memory and run again: the run resumes.")
}
