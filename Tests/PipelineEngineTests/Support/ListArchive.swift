import PipelineCore
import Synchronization

/// An archive in memory; the offset of a position is the index of the next record in its file.
struct ListArchive: ArchiveReader {
    struct File: Sendable {
        var listed: ListedFile
        var contents: [ArchiveRecord.Content]
        /// What reading meets in place of records.
        var surprise: Surprise?

        enum Surprise: Sendable {
            case junk(String)
            case unreadable
        }

        init(_ name: String, _ contents: [ArchiveRecord.Content] = [], _ surprise: Surprise? = nil) {
            listed = ListedFile(name: name, size: UInt64(contents.count), modified: 1, inode: 2)
            self.contents = contents
            self.surprise = surprise
        }

        init(_ name: String, leftOut reason: String) {
            listed = ListedFile(name: name, leftOut: reason)
            contents = []
        }
    }

    /// In byte order of their names.
    var files: [File]
    /// Thrown in place of the record with this index, all files together.
    var faultAt: Int?
    /// The names of the files that were opened.
    let opened = OpenedFiles()

    init(_ contents: [ArchiveRecord.Content], faultAt: Int? = nil) {
        files = [File("a.gz", contents)]
        self.faultAt = faultAt
    }

    init(files: [File]) { self.files = files }

    func open() async throws -> any ArchiveCursor { ListArchiveCursor(archive: self) }
}

final class OpenedFiles: Sendable {
    private let names = Mutex<[String]>([])

    func append(_ name: String) { names.withLock { $0.append(name) } }

    /// The names since the last call.
    func take() -> [String] {
        names.withLock { names in
            defer { names = [] }
            return names
        }
    }
}

private actor ListArchiveCursor: ArchiveCursor {
    private let archive: ListArchive
    private let events: [(file: Int, event: ArchiveEvent)]
    private var own: Set<Int>?
    private var index = 0
    private var recordsRead = 0

    var listing: [ListedFile] { archive.files.map(\.listed) }
    var fractionRead: Double? { Double(index) / Double(max(1, events.count)) }

    init(archive: ListArchive) {
        self.archive = archive
        events = archive.files.enumerated().flatMap { number, file in Self.events(file).map { (number, $0) } }
    }

    private static func events(_ file: ListArchive.File) -> [ArchiveEvent] {
        if let reason = file.listed.leftOut { return [.file(.leftOut(file.listed, reason: reason))] }
        if case .junk(let reason) = file.surprise { return [.file(.leftOut(file.listed, reason: reason))] }
        var contents = file.contents
        var isRead = true
        if case .unreadable = file.surprise {
            isRead = false
            contents = [.fault(InputFault(code: .unreadableFile, message: "a zip", raw: [0x50]))]
        }
        let records = contents.enumerated().map { index, content in
            ArchiveEvent.record(
                ArchiveRecord(
                    content: content,
                    next: Position(token: file.listed.name, offset: UInt64(index + 1), line: UInt64(index + 1)),
                    file: file.listed.name, line: index + 1))
        }
        return [.file(.begun(isRead: isRead))] + records + [.file(.ended(file.listed))]
    }

    func read(only files: Set<Int>) { own = files }

    func skip(to number: Int) { index = events.firstIndex { $0.file >= number } ?? events.count }

    func next(limit: Int) async throws -> [ArchiveEvent] {
        var result: [ArchiveEvent] = []
        while result.count < limit, index < events.count {
            let (file, event) = events[index]
            if own?.contains(file) == false {
                result.append(.file(.passed(archive.files[file].listed)))
                skip(to: file + 1)
                continue
            }
            switch event {
            case .record:
                if recordsRead == archive.faultAt {
                    if result.isEmpty { throw PipelineError(.noInput, "broken archive") }
                    return result
                }
                recordsRead += 1
            case .file(.begun): archive.opened.append(archive.files[file].listed.name)
            case .file: break
            }
            index += 1
            result.append(event)
        }
        return result
    }

    func close() async {}
}

/// Takes a document for an endpoint; what isn't JSON fails.
struct EndpointDecoder: RecordDecoder {
    let applicationID: String? = "app"

    func decode(_ document: [UInt8]) -> Outcome {
        guard let tape = try? JSONTape(decoding: document) else {
            return .failed(RecordFailure(code: "MalformedRecord", message: "no JSON"))
        }
        return .found(EndpointTape(tape, form: .single(node: 0)))
    }
}
