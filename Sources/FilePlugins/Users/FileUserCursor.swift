internal import Glibc
internal import LineInput
internal import PipelineCore

/// An opened file of user IDs. Reads block a thread of its own.
actor FileUserCursor: UserCursor {
    private let executor = BlockingExecutor(label: "users.file")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let reader: FileUserReader
    private var input: InputWindow?
    private var path = ""
    /// Which file the name stood for when it was opened.
    private var identity: FileStatus.Identity?
    private var format: any RecordFormat
    /// The IDs that were yielded, where repeats are dropped.
    private var seen: SeenIDs?
    /// What ended the reading; it follows the records before it.
    private var failure: (any Error)?

    /// A call of `next` ends early once it has gathered this many bytes, so long IDs and faults can't fill the memory.
    private static let bytesAtOnce = 1 << 20

    init(_ reader: FileUserReader) {
        self.reader = reader
        format = reader.layout.makeFormat(file: reader.place.name)
        seen = reader.distinct ? SeenIDs() : nil
    }

    /// Opens the file and goes to a position.
    func open(at position: Position) throws {
        do {
            let content = try reader.place.content
            path = content.path
            let input = try InputWindow(path: path, end: content.end)
            self.input = input
            identity = try status().identity
            guard seen != nil else {
                try format.begin(input, at: position)
                return reader.size.set(try input.size())
            }
            // Which IDs are repeats depends on everything before it.
            try format.begin(input, at: .start)
            while input.offset < position.offset {
                try Task.checkCancellation()
                guard let record = try format.next(input) else { break }
                _ = isNew(record)
            }
            guard input.isAt(position.offset) || position == .start else { throw InputDamage.tooShort }
            reader.size.set(try input.size())
        } catch {
            close()
            throw describe(error, opening: true)
        }
    }

    func next(limit: Int) throws -> [InputRecord] {
        precondition(limit > 0, "at least one record must be asked for")
        guard let input else { return [] }
        var records: [InputRecord] = []
        records.reserveCapacity(min(limit, 1024))
        let start = input.offset
        if failure == nil {
            do {
                while records.count < limit, input.offset - start < Self.bytesAtOnce || records.isEmpty {
                    guard let record = try format.next(input) else {
                        try checkIsSame(input)
                        break
                    }
                    if isNew(record) { records.append(record) }
                }
                reader.size.set(try input.size())
            } catch {
                failure = describe(error, opening: false)
            }
        }
        if records.isEmpty, let failure { throw failure }
        return records
    }

    /// The end counts only where the file is still the one that was opened: what replaced it may go on differently.
    private func checkIsSame(_ input: InputWindow) throws {
        let now = try status()
        if now.identity == identity, now.size >= input.fileOffset {
            if case .file = reader.place, input.endedWithinRecord, now.size > input.fileOffset {
                throw InputDamage.writtenMeanwhile
            }
            return
        }
        throw PipelineError(
            .noInput, "\(reader.place.name) was replaced while it was read",
            hint: "Run again: the run goes on if the new file begins with what was read of the old one.")
    }

    private func status() throws -> FileStatus {
        do throws(FileStatus.Failure) { return try FileStatus.of(path) } catch {
            throw InputDamage.readFailed(error.number)
        }
    }

    func close() {
        input?.close()
        input = nil
    }

    /// False for an ID that stands further up, where repeats are dropped. Faults are never dropped.
    private func isNew(_ record: InputRecord) -> Bool {
        guard case .userID(let id) = record.content else { return true }
        return seen?.insert(id) ?? true
    }

    private func describe(_ error: any Error, opening: Bool) -> any Error {
        guard let damage = error as? InputDamage else { return error }
        let place = opening ? "" : " Reading stopped at line \(format.line + 1) (uncompressed)."
        return PipelineError(.noInput, "\(reader.place.name) \(damage.message).\(place)", hint: damage.hint)
    }
}
