internal import PipelineCore

extension FailedRecord {
    /// A row of failures as this sink writes it.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` for a line that is none: no other attempt mends it.
    init(line: ArraySlice<UInt8>) throws {
        guard let root = try? JSONTape(decoding: Array(line)).root, let ordinal = root["ordinal"]?.integer else {
            throw PipelineError(
                .configuration, "a line among the run's failures isn't what this program writes",
                hint: "Restore the files of the unfinished run, or run with --fresh to begin again.")
        }
        self.init(
            ordinal: Int(ordinal), userID: root["user_id"]?.text, line: root["line"]?.integer.map { Int($0) } ?? 0,
            code: root["code"]?.text ?? "", status: root["status"]?.integer.map { Int($0) },
            hasRaw: root["raw"]?.text != nil)
    }
}
