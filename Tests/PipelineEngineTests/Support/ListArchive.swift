import PipelineCore

/// An archive in memory; the offset of a position is the index of the next record.
struct ListArchive: ArchiveReader {
    var records: [ArchiveRecord.Content]
    /// Thrown in place of the record with this index.
    var faultAt: Int?

    init(_ contents: [ArchiveRecord.Content], faultAt: Int? = nil) {
        records = contents
        self.faultAt = faultAt
    }

    func open() async throws -> any ArchiveCursor { ListArchiveCursor(archive: self) }
}

private actor ListArchiveCursor: ArchiveCursor {
    private let archive: ListArchive
    private var index = 0
    var fractionRead: Double? { Double(index) / Double(max(1, archive.records.count)) }

    init(archive: ListArchive) { self.archive = archive }

    func next(limit: Int) async throws -> [ArchiveRecord] {
        var result: [ArchiveRecord] = []
        while result.count < limit, index < archive.records.count {
            if index == archive.faultAt { break }
            index += 1
            result.append(
                ArchiveRecord(
                    content: archive.records[index - 1],
                    next: Position(token: "a.gz", offset: UInt64(index), line: UInt64(index)), file: "a.gz", line: index
                ))
        }
        if result.isEmpty, index == archive.faultAt { throw PipelineError(.noInput, "broken archive") }
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
