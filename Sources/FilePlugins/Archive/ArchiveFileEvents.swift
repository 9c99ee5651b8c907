internal import LineInput
internal import PipelineCore

/// The events of one file of an archive, from its beginning to its end.
final class ArchiveFileEvents {
    private let file: ArchiveFile
    private let isOneFile: Bool
    /// What the file was seen to hold before it was reached.
    private var seen: ArchiveContent?
    private var input: ArchiveFileInput?
    private var hasBegun = false
    /// What follows before anything more is read.
    private var queued: [ArchiveEvent] = []

    /// What is worth a line in the log, of the events since it was taken.
    private var warnings: [String] = []

    /// - Parameters:
    ///   - isOneFile: the file was named by itself, so it was meant.
    ///   - seen: what it holds, where that is known.
    init(_ file: ArchiveFile, isOneFile: Bool, seen: ArchiveContent?) {
        self.file = file
        self.isOneFile = isOneFile
        self.seen = seen
    }

    /// How much of the file, as it stands on disk, is read.
    var bytesRead: UInt64 { min(input?.window?.fileOffset ?? 0, file.listed.size) }

    func close() {
        input?.close()
        input = nil
    }

    /// Nil behind the last event.
    func next() throws -> ArchiveEvent? {
        if !queued.isEmpty { return queued.removeFirst() }
        if let input { return try event(of: input) }
        if hasBegun { return nil }
        hasBegun = true
        return try begin()
    }

    private func begin() throws -> ArchiveEvent {
        switch try seen ?? file.content() {
        case .text(let form, let utf16): input = try ArchiveFileInput(file, form, utf16: utf16)
        // It was meant, and holds no record.
        case .empty where isOneFile: input = try ArchiveFileInput(file, .lines, utf16: nil)
        // Programs that write in parts leave many of these, so they are counted and not told one by one.
        case .empty: return .file(.leftOut(file.listed, reason: "empty"))
        case .junk(let other):
            warnings.append("\(file.shown) is left out: it is \(other)")
            return .file(.leftOut(file.listed, reason: other))
        case .unreadable(let other):
            warnings.append("\(file.shown) can't be read: it is \(other)")
            queued = [.record(try file.fault(other)), .file(.ended(file.listed))]
            return .file(.begun(isRead: false))
        }
        return .file(.begun(isRead: true))
    }

    private func event(of input: ArchiveFileInput) throws -> ArchiveEvent {
        do {
            if let record = try input.next() { return .record(record) }
            return try finish(input)
        } catch let damaged as ArchiveFileInput.Damaged {
            queued = [try finish(input)]
            return .record(damaged.record)
        }
    }

    /// Leaves the file, if it is still the one that was opened.
    private func finish(_ input: ArchiveFileInput) throws -> ArchiveEvent {
        try input.checkIdentity()
        close()
        return .file(.ended(input.opened))
    }

    /// The warnings of the events since the last call.
    func takeWarnings() -> [String] {
        defer { warnings = [] }
        return warnings
    }
}
