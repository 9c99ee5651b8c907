internal import LineInput
internal import PipelineCore

/// One file of an archive, as the listing found it.
struct ArchiveFile {
    var listed: ListedFile
    /// As it is opened.
    var path: String
    /// As messages and the `failures` table name it: what the configuration says, and the relative name.
    var shown: String
    /// Why it can't be opened, in words that follow "it is"; nil for what the system gives a status of.
    var problem: String?

    /// What is read in place of `path`.
    var stream: InputStream?

    /// Relative to the folder that was named, or to the one before a glob's first pattern.
    var name: String { listed.name }

    /// - Throws: `InputDamage` where it can't be opened.
    func sniff() throws -> ArchiveContent {
        if let stream { try ArchiveContent.sniff(stream) } else { try ArchiveContent.sniff(path) }
    }

    /// At its beginning.
    ///
    /// - Throws: `InputDamage` where it can't be opened.
    func open() throws -> InputFile { try stream?.open() ?? InputFile(path: path) }

    /// What is read of it from its beginning on.
    ///
    /// - Throws: `InputDamage` where it can't be opened, or begins as something other than text.
    func window(utf16: UTF16Order?) throws -> InputWindow {
        if let stream { try InputWindow(stream, utf16: utf16) } else { try InputWindow(path: path, utf16: utf16) }
    }
}
