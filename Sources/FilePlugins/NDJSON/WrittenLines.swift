internal import PipelineCore
internal import RunFolders

/// The lines of a file that this sink has written, finished or still under way.
final class WrittenLines: RecordReader {
    private let file: StoredFile
    private let decompressor: any TextDecompressor
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    /// Text that isn't given yet.
    private var text: [UInt8] = []
    private var start = 0
    /// Bytes of text before what isn't given yet.
    private var given = 0
    private var isAtEnd = false

    init(_ file: StoredFile, _ compressor: any TextCompressor) throws {
        self.file = file
        decompressor = try compressor.decompressor()
    }

    deinit { input.deallocate() }

    /// - Throws: `PipelineError` of kind `.ioError` where the file isn't what was written.
    func next() throws -> [UInt8]? {
        while true {
            if let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                return Array(text[start..<end])
            }
            text.removeFirst(start)
            given += start
            start = 0
            if isAtEnd {
                guard given == file.extent?.length, text.isEmpty else { throw file.damaged }
                return nil
            }
            try readMore()
        }
    }

    private func readMore() throws {
        let count = try file.read(into: input)
        if count == 0 { return isAtEnd = true }
        do {
            try decompressor.decompress(UnsafeRawBufferPointer(rebasing: input[..<count]), to: &text)
        } catch is NotWritten { throw file.damaged }
    }
}
