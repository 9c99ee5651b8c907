internal import LineInput
internal import PipelineCore

/// A listed archive that is read: the file at hand, and a few behind it ahead of time, each on a thread of its own.
actor ArchiveFileCursor: ArchiveCursor {
    private let executor = BlockingExecutor(label: "archive.listing")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let warn: @Sendable (String) -> Void
    private var archive: ArchiveListing?
    /// The files that are read, by number; nil for all of them.
    private var own: Set<Int>?
    /// The number of the first name behind the file at hand.
    private var nextName = 0
    private var atHand: ArchiveFileAhead?
    /// The next files that are read, in order, and the number of the first name behind them.
    private var ahead: [(number: Int, file: ArchiveFileAhead)] = []
    private var nextAhead = 0
    /// What follows before anything is read, and what ends the reading behind it.
    private var batch: ArraySlice<ArchiveEvent> = []
    private var failure: (any Error)?
    /// What a file holds that was looked at before it was reached.
    private var seen: (number: Int, content: ArchiveContent)?
    private var hasBegun = false
    /// Bytes of all files that are read as they stand on disk, of those of them that lie behind, and of the one at hand.
    private var size: UInt64 = 0
    private var sizeRead: UInt64 = 0
    private var sizeAtHand: UInt64 = 0

    /// So many files are read ahead of the one at hand: enough for the cores of a machine and to hide how long files take to
    /// open, with a batch of each in memory.
    private static let filesAhead = 3

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

    /// Those that are opened.
    ///
    /// - Parameter first: the number of the listing's first name.
    func files(from first: Int) -> [NumberedFile] {
        guard let archive else { return [] }
        return archive.names.indices.filter { archive.names[$0].leftOut == nil }.map { number in
            let file = archive.file(number)
            return NumberedFile(number: first + number, path: file.shown, bytes: file.listed.size)
        }
    }

    func read(only files: Set<Int>) {
        own = files
        size = size(of: listing.indices)
    }

    func skip(to number: Int) {
        sizeRead = size(of: 0..<number)
        nextName = number
    }

    private func size(of numbers: Range<Int>) -> UInt64 {
        numbers.reduce(0) { own?.contains($1) == false ? $0 : $0 + listing[$1].size }
    }

    /// Looks for the first file that holds text. Others may be as long as they like: one file that is none of them is enough.
    ///
    /// - Throws: `PipelineError` of kind `.noInput` where there is none, and not because files are empty.
    private func requireText(_ archive: ArchiveListing) throws {
        var hasEmpty = false
        var unreadable: String?
        for number in archive.names.indices where archive.names[number].leftOut == nil {
            try Task.checkCancellation()
            let file = archive.file(number)
            let content = try file.content()
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

    // MARK: - Reading

    var fractionRead: Double? {
        guard size > 0 else { return atHand == nil && nextName == listing.count ? 1 : 0 }
        return min(1, Double(sizeRead + sizeAtHand) / Double(size))
    }

    func next(limit: Int) async throws -> [ArchiveEvent] {
        precondition(limit > 0, "at least one event must be asked for")
        var events: [ArchiveEvent] = []
        events.reserveCapacity(min(limit, 1024))
        var bytes = 0
        while events.count < limit, bytes < ArchiveFileAhead.bytesAtOnce {
            if let event = batch.popFirst() {
                bytes += event.byteCount
                events.append(event)
                continue
            }
            if failure != nil { break }
            do { if try await !fetch() { break } } catch { failure = error }
        }
        if events.isEmpty, let failure { throw failure }
        return events
    }

    func close() async {
        archive = nil
        batch = []
        let files = ahead.map(\.file) + [atHand].compactMap(\.self)
        (ahead, atHand) = ([], nil)
        for file in files { await file.close() }
    }

    /// Gets what follows, which may be nothing but an end; false behind the last name.
    private func fetch() async throws -> Bool {
        guard let archive else { return false }
        // What nobody but other shards will open says nothing about this one's files.
        if !hasBegun, nextName == 0, own == nil { try requireText(archive) }
        hasBegun = true
        if let atHand {
            await take(atHand.next())
            return true
        }
        guard nextName < archive.names.count else { return false }
        try Task.checkCancellation()
        begin(archive)
        return true
    }

    private func take(_ next: ArchiveFileAhead.Batch) {
        next.warnings.forEach(warn)
        batch = next.events[...]
        failure = next.failure
        sizeAtHand = next.bytesRead
        guard next.isLast else { return }
        atHand = nil
        sizeAtHand = 0
        if failure == nil { sizeRead += listing[nextName - 1].size }
    }

    /// Goes on to the next name.
    private func begin(_ archive: ArchiveListing) {
        let number = nextName
        let listed = archive.names[number]
        nextName += 1
        if own?.contains(number) == false {
            batch = [.file(.passed(listed))]
        } else if let reason = listed.leftOut {
            batch = [.file(.leftOut(listed, reason: reason))]
        } else {
            atHand = ahead.first?.number == number ? ahead.removeFirst().file : opened(number, of: archive)
            readAhead(archive)
        }
    }

    private func readAhead(_ archive: ArchiveListing) {
        nextAhead = max(nextAhead, nextName)
        while ahead.count < Self.filesAhead, nextAhead < archive.names.count {
            let number = nextAhead
            nextAhead += 1
            guard own?.contains(number) != false, archive.names[number].leftOut == nil else { continue }
            let file = opened(number, of: archive)
            ahead.append((number, file))
            Task { await file.prepare() }
        }
    }

    private func opened(_ number: Int, of archive: ArchiveListing) -> ArchiveFileAhead {
        ArchiveFileAhead(
            archive.file(number), isOneFile: archive.isOneFile, seen: seen?.number == number ? seen?.content : nil)
    }
}
