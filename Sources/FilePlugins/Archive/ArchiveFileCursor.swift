internal import LineInput
internal import PipelineCore

/// An opened archive. Reads block a thread of its own.
actor ArchiveFileCursor: ArchiveCursor {
    private let executor = BlockingExecutor(label: "archive.file")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Those still to be read, in order, and what is in each.
    private var readable: [Readable] = []
    private(set) var files: ArchiveFileCounts?
    /// The first file behind the one at hand.
    private var nextFile = 0
    private var current: ArchiveFileInput?
    /// What ended the reading; it follows the records before it.
    private var failure: (any Error)?
    /// Bytes of all files as they stand on disk, and of those that lie behind.
    private var size: UInt64 = 0
    private var sizeRead: UInt64 = 0

    /// A call of `next` ends early once it has gathered this many bytes of documents.
    private static let bytesAtOnce = 1 << 20

    private struct Readable {
        var file: ArchiveFile
        var form: ArchiveContent.Form = .lines
        var utf16: UTF16Order?
        /// What stands in its place where it can't be read.
        var fault: ArchiveRecord?
    }

    /// Lists the files and looks at the beginning of each.
    func open(_ path: PathOption, _ filter: NameFilter, warn: @escaping @Sendable (String) -> Void) throws {
        let listing = try ArchiveListing(path, filter, warn: warn)
        var leftOut = listing.leftOut
        var hasEmpty = false
        var unreadable: [String] = []
        for file in listing.files {
            try Task.checkCancellation()
            switch try content(of: file) {
            case .junk(let other) where listing.isOneFile, .unreadable(let other) where listing.isOneFile:
                throw PipelineError(.noInput, "\(file.shown) is \(other)", hint: Self.hint)
            case .junk(let other):
                leftOut += 1
                warn("\(file.shown) is left out: it is \(other)")
            case .unreadable(let other):
                warn("\(file.shown) can't be read: it is \(other)")
                unreadable.append("\(file.shown) is \(other)")
                readable.append(Readable(file: file, fault: try fault(file, other)))
            case .empty where listing.isOneFile: readable.append(Readable(file: file))
            case .empty:
                // Programs that write in parts leave many of these, so they are counted and not told one by one.
                leftOut += 1
                hasEmpty = true
            case .text(let form, let utf16): readable.append(Readable(file: file, form: form, utf16: utf16))
            }
        }
        if readable.count == unreadable.count, !unreadable.isEmpty || !hasEmpty {
            let first = unreadable.first.map { "\($0). " } ?? ""
            throw PipelineError(.noInput, "no file of \(path.written) is an archive", hint: first + Self.hint)
        }
        files = ArchiveFileCounts(read: readable.count - unreadable.count, leftOut: leftOut)
        size = readable.reduce(0) { $0 + $1.file.status.size }
    }

    private static let hint = "An archive is JSON documents, or Pinpoint's import CSV, plain or gzip."

    private func content(of file: ArchiveFile) throws -> ArchiveContent {
        if let problem = file.problem { return .unreadable(problem) }
        do { return try ArchiveContent.sniff(file.path) } catch let damage as InputDamage {
            throw PipelineError(.noInput, "\(file.shown) \(damage.message)", hint: damage.hint)
        }
    }

    /// The record that stands for a file. Its first bytes tell a resume whether it is still the same.
    private func fault(_ file: ArchiveFile, _ other: String) throws -> ArchiveRecord {
        var head = [UInt8](repeating: 0, count: file.problem == nil ? 64 : 0)
        if file.problem == nil {
            do {
                let input = try InputFile(path: file.path)
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

    var fractionRead: Double? {
        guard size > 0 else { return current == nil && nextFile == readable.count ? 1 : 0 }
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
        nextFile = readable.count
    }

    private func nextRecord() throws -> ArchiveRecord? {
        while true {
            guard let input = current else {
                guard nextFile < readable.count else { return nil }
                try Task.checkCancellation()
                let next = readable[nextFile]
                if let fault = next.fault {
                    nextFile += 1
                    sizeRead += next.file.status.size
                    return fault
                }
                current = try ArchiveFileInput(next.file, next.form, utf16: next.utf16)
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
