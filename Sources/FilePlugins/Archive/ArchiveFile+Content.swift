internal import LineInput
internal import PipelineCore

extension ArchiveFile {
    /// What the file holds, by its first bytes.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where it can't be opened any more.
    func content() throws -> ArchiveContent {
        if let problem { return .unreadable(problem) }
        return try opening { try sniff() }
    }

    /// The record that stands for a file that can't be read. The file's first bytes tell a resume whether it is still the same.
    ///
    /// - Parameter other: what it is, in words that follow "it is".
    func fault(_ other: String) throws -> ArchiveRecord {
        var head = [UInt8](repeating: 0, count: problem == nil ? 64 : 0)
        if problem == nil {
            try opening {
                let input = try open()
                defer { input.close() }
                let count = try head.withUnsafeMutableBytes { try input.read(into: $0) }
                head.removeLast(head.count - count)
            }
        }
        let fault = InputFault(
            code: .unreadableFile,
            message: "\(shown) can't be read: it is \(other); reading goes on with the next file", raw: head)
        return ArchiveRecord(content: .fault(fault), next: Position(token: name), file: shown, line: 1)
    }

    /// Whether no more than a few MiB are needed beside what is read: several such files are open at once.
    func isLight() throws -> Bool {
        guard stream == nil, problem == nil else { return true }
        return try opening { try CompressedForm.window(ofFile: path) } <= 8 << 20
    }

    private func opening<R>(_ body: () throws -> R) throws -> R {
        do { return try body() } catch let damage as InputDamage {
            throw PipelineError(.noInput, "\(shown) \(damage.message)", hint: damage.hint)
        }
    }
}
