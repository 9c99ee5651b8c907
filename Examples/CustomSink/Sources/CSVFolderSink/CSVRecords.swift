internal import RunFolders

/// Cuts a file where a line feed stands outside quotes.
struct CSVRecords: RecordReader {
    let file: StoredFile
    private var text: ArraySlice<UInt8> = []

    init(file: StoredFile) { self.file = file }

    mutating func next() throws -> [UInt8]? {
        var scanned = text.startIndex
        var isQuoted = false
        while true {
            while scanned < text.endIndex {
                if text[scanned] == UInt8(ascii: "\"") { isQuoted.toggle() }
                if text[scanned] == UInt8(ascii: "\n"), !isQuoted {
                    defer { text = text[(scanned + 1)...] }
                    return Array(text[..<scanned])
                }
                scanned += 1
            }
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0) }
            guard count > 0 else {
                guard text.isEmpty else { throw file.damaged }
                return nil
            }
            let done = scanned - text.startIndex
            text = (Array(text) + chunk[..<count])[...]
            scanned = text.startIndex + done
        }
    }
}
