internal import LineInput

/// What the files of an NDJSON sink are compressed with.
public enum FileCompression: String, CaseIterable, Sendable {
    /// Each file is one ordinary member.
    case gzip
    /// Each file is frames behind each other.
    case zstd
    /// Plain text.
    case none

    /// From the fastest to the smallest; nil where there is nothing to choose.
    public var levels: ClosedRange<Int>? {
        switch self {
        case .gzip: 1...9
        // What lies beyond 19 takes so much memory that not everybody can read it.
        case .zstd: 1...19
        case .none: nil
        }
    }

    /// The level that counts where none is given.
    public var standardLevel: Int? {
        switch self {
        case .gzip: 6
        case .zstd: 3
        case .none: nil
        }
    }

    /// Ends the files' names.
    var suffix: String {
        switch self {
        case .gzip: CompressedForm.gzip.suffix
        case .zstd: CompressedForm.zstd.suffix
        case .none: ""
        }
    }

    /// - Parameter level: one of `levels`; nil for the usual one.
    func compressor(level: Int?) -> any TextCompressor {
        switch (self, level ?? standardLevel) {
        case (.gzip, let level?): GzipCompressor(level: level)
        case (.zstd, let level?): ZstdCompressor(level: level)
        default: PlainText()
        }
    }
}
