internal import LineInput
internal import PipelineCore

/// A listed archive that is read. Reads block a thread of its own.
actor ArchiveFileCursor: ArchiveCursor {
    private let executor = BlockingExecutor(label: "archive.file")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let warn: @Sendable (String) -> Void
    private var archive: ArchiveListing?
    /// The files that are read, by number; nil for all of them.
    private var own: Set<Int>?
    /// The number of the first file behind the one at hand.
    private var nextFile = 0
    private var current: ArchiveFileInput?
    /// What follows before anything is read.
    private var queued: [ArchiveEvent] = []
    /// What a file holds that was looked at before it was reached.
    private var seen: (number: Int, content: ArchiveContent)?
    private var hasBegun = false
    /// What ended the reading; it follows the events before it.
    private var failure: (any Error)?
    /// Bytes of all files that are read as they stand on disk, and of those of them that lie behind.
    private var size: UInt64 = 0
    private var sizeRead: UInt64 = 0

    /// A call of `next` ends early once it has gathered this many bytes of documents.
    private static let bytesAtOnce = 1 << 20

    init(warn: @escaping @Sendable (String) -> Void) { self.warn = warn }

    func list(_ path: PathOption, _ filter: NameFilter) throws {
        list(try ArchiveListing(path, filter, warn: warn))
    }

    /// An archive of one file, which is read from an open descriptor.
    func list(descriptor: Int32, shown: String) {
        list(ArchiveListing(stream: InputStream(descriptor: descriptor), shown: shown))
    }

    private func list(_ archive: ArchiveListing) {
        self.archive = archive
        size = size(of: archive.names.indices)
    }

    var listing: [ListedFile] { archive?.names ?? [] }

    func read(only files: Set<Int>) {
        own = files
        size = size(of: listing.indices)
    }

    func skip(to number: Int) {
        sizeRead = size(of: 0..<number)
        nextFile = number
    }

    private func size(of numbers: Range<Int>) -> UInt64 {
        numbers.reduce(0) { own?.contains($1) == false ? $0 : $0 + listing[$1].size }
    }

    // MARK: - What a file holds

    /// Looks for the first file that holds text. Others may be as long as they like: one file that is none of them is enough.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where there is none, and not because files are empty.
    private func requireText(_ archive: ArchiveListing) throws {
        var hasEmpty = false
        var unreadable: String?
        for number in archive.names.indices where archive.names[number].leftOut == nil {
            try Task.checkCancellation()
            let file = archive.file(number)
            let content = try content(of: file)
            switch content {
            case .text:
                seen = (number, content)
                return
            case .junk(let other) where archive.isOneFile, .unreadable(let other) where archive.isOneFile:
                throw PipelineError(.noInput, "\(file.shown) is \(other)", hint: Self.hint)
            case .empty: hasEmpty = true
            case .junk: break
            case .unreadable(let other): unreadable = unreadable ?? "\(file.shown) is \(other). "
            }
        }
        guard unreadable != nil || !hasEmpty else { return }
        throw PipelineError(
            .noInput, "no file of \(archive.path.written) is an archive", hint: (unreadable ?? "") + Self.hint)
    }

    private static let hint = "An archive is JSON documents, or Pinpoint's import CSV, plain, gzip or zstd."

    private func content(of file: ArchiveFile) throws -> ArchiveContent {
        if let problem = file.problem { return .unreadable(problem) }
        do { return try file.sniff() } catch let damage as InputDamage {
            throw PipelineError(.noInput, "\(file.shown) \(damage.message)", hint: damage.hint)
        }
    }

    /// The record that stands for a file. Its first bytes tell a resume whether it is still the same.
    private func fault(_ file: ArchiveFile, _ other: String) throws -> ArchiveRecord {
        var head = [UInt8](repeating: 0, count: file.problem == nil ? 64 : 0)
        if file.problem == nil {
            do {
                let input = try file.open()
                defer { input.close() }
                let count = try head.withUnsafeMutableBytes { try input.read(into: $0) }
                head.removeLast(head.count - count)
            } catch let damage as InputDamage {
                throw PipelineError(.noInput, "\(file.shown) \(damage.message)", hint: damage.hint)
            }
        }
        let fault = InputFault(
            code: .unreadableFile,
            message: "\(file.shown) can't be read: it is \(other); reading goes on with the next file", raw: head)
        return ArchiveRecord(content: .fault(fault), next: Position(token: file.name), file: file.shown, line: 1)
    }

    // MARK: - Reading

    var fractionRead: Double? {
        guard size > 0 else { return current == nil && nextFile == listing.count ? 1 : 0 }
        let inFile = min(current?.window?.fileOffset ?? 0, current?.file.listed.size ?? 0)
        return min(1, Double(sizeRead + inFile) / Double(size))
    }

    func next(limit: Int) throws -> [ArchiveEvent] {
        precondition(limit > 0, "at least one event must be asked for")
        var events: [ArchiveEvent] = []
        events.reserveCapacity(min(limit, 1024))
        if failure == nil {
            do {
                var bytes = 0
                while events.count < limit, bytes < Self.bytesAtOnce, let event = try nextEvent() {
                    if case .record(let record) = event { bytes += record.byteCount }
                    events.append(event)
                }
            } catch { failure = error }
        }
        if events.isEmpty, let failure { throw failure }
        return events
    }

    func close() {
        current?.close()
        current = nil
        archive = nil
    }

    private func nextEvent() throws -> ArchiveEvent? {
        guard let archive else { return nil }
        // What nobody but other shards will open says nothing about this one's files.
        if !hasBegun, nextFile == 0, own == nil { try requireText(archive) }
        hasBegun = true
        if !queued.isEmpty { return queued.removeFirst() }
        if let current { return try event(of: current) }
        guard nextFile < archive.names.count else { return nil }
        try Task.checkCancellation()
        let event = try begin(archive.file(nextFile), isOneFile: archive.isOneFile)
        nextFile += 1
        return event
    }

    private func begin(_ file: ArchiveFile, isOneFile: Bool) throws -> ArchiveEvent {
        if own?.contains(nextFile) == false { return .file(.passed(file.listed)) }
        if let reason = file.listed.leftOut { return .file(.leftOut(file.listed, reason: reason)) }
        let content: ArchiveContent
        if let seen, seen.number == nextFile { content = seen.content } else { content = try self.content(of: file) }
        switch content {
        case .text(let form, let utf16): current = try ArchiveFileInput(file, form, utf16: utf16)
        // It was meant, and holds no record.
        case .empty where isOneFile: current = try ArchiveFileInput(file, .lines, utf16: nil)
        // Programs that write in parts leave many of these, so they are counted and not told one by one.
        case .empty: return leaveOut(file, "empty")
        case .junk(let other):
            warn("\(file.shown) is left out: it is \(other)")
            return leaveOut(file, other)
        case .unreadable(let other):
            warn("\(file.shown) can't be read: it is \(other)")
            queued = [.record(try fault(file, other)), .file(.ended(file.listed))]
            sizeRead += file.listed.size
            return .file(.begun(isRead: false))
        }
        return .file(.begun(isRead: true))
    }

    private func leaveOut(_ file: ArchiveFile, _ reason: String) -> ArchiveEvent {
        sizeRead += file.listed.size
        return .file(.leftOut(file.listed, reason: reason))
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
        sizeRead += input.file.listed.size
        input.close()
        current = nil
        return .file(.ended(input.opened))
    }
}

extension ArchiveRecord {
    /// Bytes that the record's content takes.
    fileprivate var byteCount: Int {
        switch content {
        case .document(let bytes): bytes.count
        case .fault(let fault): fault.raw.count
        }
    }
}
