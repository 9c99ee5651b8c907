internal import LineInput
internal import LocalFiles
internal import PipelineCore

/// One file of an archive while it is read.
final class ArchiveFileInput {
    let file: ArchiveFile
    /// What the system said of it before it was opened; nil for a stream.
    private let status: FileStatus?
    /// Nil where the file was damaged from its first bytes on.
    private(set) var window: InputWindow?
    /// Nil until what stands before the first record is read.
    private var cutter: ArchiveCutter?
    /// What the next read meets.
    private var damage: InputDamage?

    /// The file ends here, and a record says why.
    struct Damaged: Error {
        var record: ArchiveRecord
    }

    /// Opens the file and reads what stands before the first record.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where it isn't what was listed any more.
    init(_ file: ArchiveFile, _ form: ArchiveContent.Form, utf16: UTF16Order?) throws {
        let status = file.stream == nil ? try Self.status(of: file) : nil
        if let status, status.identity.inode != file.listed.inode || status.size < file.listed.size {
            throw Self.replaced(file)
        }
        self.file = file
        self.status = status
        do { try file.open().close() } catch let damage as InputDamage {
            throw PipelineError(.noInput, "\(file.shown) \(damage.message)", hint: damage.hint)
        }
        do {
            let window = try file.window(utf16: utf16)
            self.window = window
            cutter = try ArchiveCutter(window, form)
        } catch let damage as InputDamage { self.damage = damage }
    }

    /// The next record; nil at the file's end.
    ///
    /// - Throws: `Damaged` where the rest can't be read.
    func next() throws -> ArchiveRecord? {
        do {
            if let damage { throw damage }
            guard let window, let piece = try cutter?.next(window) else { return nil }
            return record(piece)
        } catch let damage as InputDamage {
            throw Damaged(record: fault(damage))
        }
    }

    /// The file as it was when it was opened.
    var opened: ListedFile { status.map { ListedFile($0, name: file.name) } ?? file.listed }

    /// Lines completely before the next record.
    private var line: UInt64 { cutter?.line ?? 0 }

    private func record(_ piece: ArchivePiece) -> ArchiveRecord {
        ArchiveRecord(
            content: piece.content,
            next: Position(
                token: file.name, offset: window?.offset ?? 0, member: window?.member ?? 0, line: line),
            file: file.shown, line: piece.line)
    }

    /// A record that stands for the rest of the file.
    private func fault(_ damage: InputDamage) -> ArchiveRecord {
        let line = Int(self.line) + 1
        let raw = window.map { Array($0.bytes.prefix(InputFault.rawLimit)) } ?? []
        let fault = InputFault(
            code: .damagedFile,
            message: "line \(line): \(file.shown) \(damage.message); what follows in it is lost, reading goes on with "
                + "the next file",
            raw: raw)
        return record(ArchivePiece(content: .fault(fault), line: line))
    }

    /// - Throws: `PipelineError` of kind `.noInput` where the path names another file by now, or one that has shrunk.
    func checkIdentity() throws {
        guard let opened = self.status else { return }
        let read = max(window?.fileOffset ?? 0, opened.size)
        let status = try Self.status(of: file)
        guard status.identity == opened.identity, status.size >= read else { throw Self.replaced(file) }
    }

    private static func status(of file: ArchiveFile) throws -> FileStatus {
        do throws(FileStatus.Failure) { return try FileStatus.of(file.path) } catch {
            throw PipelineError(
                .noInput, "\(file.shown) can't be read any more: \(SystemFailure.text(error.number))",
                hint: "Restore the file as it was and run again: the run resumes.")
        }
    }

    private static func replaced(_ file: ArchiveFile) -> PipelineError {
        PipelineError(
            .noInput, "\(file.shown) was replaced while it was read",
            hint: "Restore the file as it was and run again: the run resumes; or start over with --fresh.")
    }

    func close() { window?.close() }
}

extension ListedFile {
    init(_ status: FileStatus, name: String) {
        self.init(name: name, size: status.size, modified: status.modified, inode: status.identity.inode)
    }
}
