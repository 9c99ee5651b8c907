internal import PipelineCore

extension SourceRecord {
    /// What a record of an archive means. Its failure's message begins with the line.
    init(_ record: ArchiveRecord, ordinal: Int, _ decoder: any RecordDecoder) {
        let outcome: Outcome
        switch record.content {
        case .fault(let fault): outcome = .failed(RecordFailure(fault))
        case .document(let document):
            switch decoder.decode(document) {
            case .failed(var failure):
                failure.message = "line \(record.line): \(failure.message)"
                if failure.code == FailureCode.malformedRecord.rawValue {
                    failure.raw = Array(document.prefix(InputFault.rawLimit))
                }
                outcome = .failed(failure)
            case let decoded: outcome = decoded
            }
        }
        self.init(
            ordinal: ordinal, userID: nil, applicationID: decoder.applicationID, next: record.next,
            origin: RecordOrigin(file: record.file, line: record.line), hashedBytes: record.hashedBytes,
            outcome: outcome)
    }
}
