internal import PipelineCore

/// An opened archive. Reads block a thread of its own.
actor ArchiveFileCursor: ArchiveCursor {
    private let executor = BlockingExecutor(label: "archive.file")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Those still to be read, in order, and what is in each.
    private var files: [(file: ArchiveFile, content: ArchiveContent)] = []
    /// The first file behind the one at hand.
    private var nextFile = 0
    private var current: ArchiveFileInput?
    /// What ended the reading; it follows the records in front of it.
    private var failure: (any Error)?
    /// Bytes of all files as they stand on disk, and of those that lie behind.
    private var size: UInt64 = 0
    private var sizeRead: UInt64 = 0

    /// A call of `next` ends early once it has gathered this many bytes of documents.
    private static let bytesAtOnce = 1 << 20

    /// Lists the files and looks at the beginning of each.
    func open(_ path: PathOption, warn: @escaping @Sendable (String) -> Void) throws {
        let listing = try ArchiveListing(path, warn: warn)
        for file in listing.files {
            try Task.checkCancellation()
            switch try content(of: file) {
            case .other(let other) where listing.isOneFile:
                throw PipelineError(
                    .noInput, "\(file.shown) is \(other)",
                    hint: "An archive is a JSON document on each line, or Pinpoint's import CSV, plain or gzip.")
            case .other(let other): warn("\(file.shown) is left out: it is \(other)")
            case let content: files.append((file, content))
            }
        }
        if files.isEmpty {
            throw PipelineError(
                .noInput, "no file of \(path.written) is an archive",
                hint: "An archive is a JSON document on each line, or Pinpoint's import CSV, plain or gzip.")
        }
        size = files.reduce(0) { $0 + $1.file.status.size }
    }

    private func content(of file: ArchiveFile) throws -> ArchiveContent {
        do { return try ArchiveContent.sniff(file.path) } catch let damage as InputDamage {
            throw PipelineError(.noInput, "\(file.shown) \(damage.message)", hint: damage.hint)
        }
    }

    var fractionRead: Double? {
        guard size > 0 else { return current == nil && nextFile == files.count ? 1 : 0 }
        let inFile = min(current?.window?.fileOffset ?? 0, current?.file.status.size ?? 0)
        return min(1, Double(sizeRead + inFile) / Double(size))
    }

    func next(limit: Int) throws -> [ArchiveRecord] {
        precondition(limit > 0, "at least one record must be asked for")
        var records: [ArchiveRecord] = []
        records.reserveCapacity(min(limit, 1024))
        if failure == nil {
            do {
                var bytes = 0
                while records.count < limit, bytes < Self.bytesAtOnce, let record = try nextRecord() {
                    bytes += record.byteCount
                    records.append(record)
                }
            } catch { failure = error }
        }
        if records.isEmpty, let failure { throw failure }
        return records
    }

    func close() {
        current?.close()
        current = nil
        nextFile = files.count
    }

    private func nextRecord() throws -> ArchiveRecord? {
        while true {
            guard let input = current else {
                guard nextFile < files.count else { return nil }
                try Task.checkCancellation()
                let (file, content) = files[nextFile]
                current = try ArchiveFileInput(file, content)
                nextFile += 1
                continue
            }
            do {
                if let record = try input.next() { return record }
                try finish(input)
            } catch let damaged as ArchiveFileInput.Damaged {
                try finish(input)
                return damaged.record
            }
        }
    }

    /// Leaves the file, if it is still the one that was opened.
    private func finish(_ input: ArchiveFileInput) throws {
        try input.checkIdentity()
        sizeRead += input.file.status.size
        input.close()
        current = nil
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
