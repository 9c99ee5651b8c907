internal import RunFolders

/// Text as it is.
struct PlainText: TextCompressor {
    func segment(_ text: UnsafeBufferPointer<UInt8>, rows: Int) -> FileSegment { FileSegment(Array(text), rows: rows) }

    func trailer(checksum: UInt32, length: Int) -> [UInt8] { [] }

    func decompressor() -> any TextDecompressor { Reader() }

    private final class Reader: TextDecompressor {
        func decompress(_ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]) { text.append(contentsOf: bytes) }
    }
}
