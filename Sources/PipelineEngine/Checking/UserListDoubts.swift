internal import PipelineCore

/// What makes one wonder whether the beginning of a list is what was meant.
struct UserListDoubts {
    private let sample: InputSample
    private let minRecords: Int

    init(_ sample: InputSample, minRecords: Int) {
        self.sample = sample
        self.minRecords = minRecords
    }

    var findings: [CheckFinding] {
        let ids = sample.records.compactMap { if case .userID(let id) = $0.content { id } else { nil } }
        var codes: [String: Int] = [:]
        for case .fault(let fault) in sample.records.map(\.content) { codes[fault.code.rawValue, default: 0] += 1 }
        var findings: [CheckFinding] = []
        if sample.records.isEmpty, sample.findings.isEmpty {
            findings.append(
                minRecords > 0
                    ? CheckFinding(
                        .failure(.brake), "the list is empty, and min_records is \(minRecords)",
                        hint: "Look at the list; --accept empty lets one run pass.")
                    : .doubt("the list is empty"))
        } else if !sample.records.isEmpty {
            let count = CountText.of(ids.count, "ID")
            findings.append(.ok(sample.isComplete ? count : "the first \(count)"))
        }
        if !codes.isEmpty {
            let text = codes.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            findings.append(
                .doubt(
                    "without a usable ID: \(text)",
                    hint: "Each is a failure of the run; accept_invalid lets some of them pass."))
        }
        let repeated = ids.count - Set(ids).count
        if repeated > 0 {
            findings.append(
                .doubt(
                    "repeated: \(CountText.of(repeated, "ID"))",
                    hint: "Each is asked for again; distinct: true drops repeats from a file."))
        }
        if let first = ids.first, UserIDColumn.points(for: [first]) >= 60 {
            findings.append(
                .doubt(
                    "the first ID is '\(PrintableText.of(first))', which looks like the name of a column",
                    hint: "Set header: true if the first line is none of the users."))
        }
        let spaced = ids.count { $0.first?.isWhitespace == true || $0.last?.isWhitespace == true }
        if spaced > 0 {
            findings.append(
                .doubt(
                    "begin or end with white space: \(CountText.of(spaced, "ID"))",
                    hint: "IDs are asked for as they stand, and never trimmed."))
        }
        return findings + sample.findings
    }
}
