internal import PipelineCore

/// One file of an archive, as the listing found it.
struct ArchiveFile: Sendable {
    var listed: ListedFile
    /// As it is opened.
    var path: String
    /// As messages and the `failures` table name it: what the configuration says, and the relative name.
    var shown: String
    /// Why it can't be opened, in words that follow "it is"; nil for what the system gives a status of.
    var problem: String?

    /// Relative to the folder that was named, or to the one before a glob's first pattern.
    var name: String { listed.name }
}
