internal import RunFolders

/// How the text of files becomes bytes, a segment at a time, and text again.
///
/// A segment depends on its text alone, so that segments are made in parallel and a file can be cut back to any of them.
protocol TextCompressor: Sendable {
    /// What a file begins with.
    var header: [UInt8] { get }

    /// The same text gives the same bytes. Called for several segments at once.
    func segment(_ text: UnsafeBufferPointer<UInt8>, rows: Int) throws -> FileSegment

    /// The checksum of two texts one after the other; 0 where a file's end doesn't need it.
    func checksum(_ checksum: UInt32, adding segment: FileSegment) -> UInt32

    /// What ends a file.
    ///
    /// - Parameter length: bytes of text in it.
    func trailer(checksum: UInt32, length: Int) -> [UInt8]

    /// Begins to read a file from its start, which may end behind any segment or behind the trailer.
    ///
    /// - Throws: `PipelineError` of kind `.unavailable` where no memory is left.
    func decompressor() throws -> any TextDecompressor
}

extension TextCompressor {
    var header: [UInt8] { [] }

    func checksum(_ checksum: UInt32, adding segment: FileSegment) -> UInt32 { 0 }
}

/// Reads one file that a `TextCompressor` has written.
protocol TextDecompressor: AnyObject {
    /// Appends the text that the file's next bytes hold.
    ///
    /// - Throws: `NotWritten` for what no compressor of this kind has written.
    func decompress(_ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]) throws
}

/// A file isn't what was written.
struct NotWritten: Error {}
