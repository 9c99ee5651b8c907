/// What an archive's cursor tells, in the order of the archive.
public enum ArchiveEvent: Sendable {
    /// The next record of the file that was begun last.
    case record(ArchiveRecord)
    case file(ArchiveFileEvent)
}

/// How the reading of an archive goes on from one file to the next.
public enum ArchiveFileEvent: Sendable {
    /// The next file's records follow. One that can't be read is no read file: a single fault stands for it.
    case begun(isRead: Bool)
    /// All records of the file that was begun have come. The file is as it was when it was opened, which the listing may not
    /// know yet.
    case ended(ListedFile)
    /// The next name has no records, because of what its file holds or what the listing says. The reason is in words that
    /// follow "it is" or "because".
    case leftOut(ListedFile, reason: String)
    /// The next name is another process's to read.
    case passed(ListedFile)
}
