internal import PipelineCore
internal import RunFolders

extension FailedRecord {
    /// A row of failures as a line of JSON.
    ///
    /// - Throws: `JSONDecodingError`, or `RecordFault` for another document.
    init(line: [UInt8]) throws {
        let root = try JSONTape(decoding: line).root
        guard let ordinal = root["ordinal"]?.integer else { throw RecordFault("no row of failures") }
        self.init(
            ordinal: Int(ordinal), userID: root["user_id"]?.text, line: root["line"]?.integer.map { Int($0) } ?? 0,
            code: root["code"]?.text ?? "", status: root["status"]?.integer.map { Int($0) },
            hasRaw: root["raw"]?.text != nil)
    }
}
