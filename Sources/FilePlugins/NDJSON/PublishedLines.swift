internal import LineInput
internal import PipelineCore
internal import RunFolders

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// The lines of a published file, whoever has compressed it again since.
struct PublishedLines: RecordReader {
    private let input: InputWindow
    private let path: String

    /// - Throws: `PipelineError` of kind `.noInput` where the file is missing or damaged; so does `next()`.
    init(_ file: StoredFile) throws {
        path = file.path
        do { input = try InputWindow(path: file.path) } catch let damage as InputDamage {
            throw Self.error(damage, file.path)
        }
    }

    func next() throws -> [UInt8]? {
        do {
            guard let end = try lineFeed() else {
                let rest = Array(input.bytes)
                input.consume(rest.count)
                return rest.isEmpty ? nil : rest
            }
            let line = Array(input.bytes[..<end])
            input.consume(end + 1)
            return line
        } catch let damage as InputDamage { throw Self.error(damage, path) }
    }

    private static func error(_ damage: InputDamage, _ path: String) -> PipelineError {
        PipelineError(.noInput, "\(path) \(damage.message)", hint: "Restore the file from a backup.")
    }

    private func lineFeed() throws -> Int? {
        var scanned = 0
        while true {
            let bytes = input.bytes
            if bytes.count > scanned, let base = bytes.baseAddress,
                let found = memchr(base + scanned, 0x0A, bytes.count - scanned)
            {
                return UnsafeRawPointer(found) - base
            }
            scanned = bytes.count
            if try !input.extend() { return nil }
        }
    }
}
