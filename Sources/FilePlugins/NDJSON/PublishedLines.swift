internal import LineInput
internal import PipelineCore
internal import RunFolders

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
            guard let end = try input.firstIndex(of: 0x0A) else {
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
}
