internal import Glibc

/// Documents on standard input: a byte that says their form, four bytes of length, and the document.
struct Frame {
    var form: UInt8
    var body: [UInt8]
}

enum Frames {
    static func forEach(_ body: (Frame) -> Void) {
        while let header = read(5) {
            let length = header[1...].reversed().reduce(0) { $0 << 8 | Int($1) }
            guard let document = read(length) else { return }
            body(Frame(form: header[0], body: document))
        }
    }

    private static func read(_ count: Int) -> [UInt8]? {
        var isComplete = true
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let read = Glibc.read(0, buffer.baseAddress.map { $0 + filled }, count - filled)
                if read <= 0 { break }
                filled += read
            }
            isComplete = filled == count
        }
        return isComplete ? bytes : nil
    }
}

enum Lines {
    static func read(_ path: String) -> [[UInt8]]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return bytes.split(separator: UInt8(ascii: "\n")).map(Array.init)
    }
}
