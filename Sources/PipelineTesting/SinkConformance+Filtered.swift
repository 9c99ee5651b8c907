internal import PipelineCore

extension SinkConformance {
    /// An archive's endpoints that a filter takes out go from a store with keys, and leave no parts.
    static let filtered: [Check] = [
        filtered(
            "what is filtered goes, and what comes later stands", .last,
            [
                [line("e1", 1), line("e2", 1), line("e3", 1)],
                [.filtered("e1", effectiveDate: nil), line("e4", 1), .filtered("e9", effectiveDate: day(1))],
                [
                    .filtered("e2", effectiveDate: day(1)), line("e2", 2), line("e5", 1),
                    .filtered("e5", effectiveDate: nil),
                ],
                [line("e1", 3), .filtered("e3", effectiveDate: day(9)), .filtered("e3", effectiveDate: day(1))],
            ]),
        filtered(
            "where dates decide, what is newer stays", .newest,
            [
                [line("e1", 2), line("e2", 2), line("e3", 2), line("e4", nil)],
                [
                    .filtered("e1", effectiveDate: day(1)), .filtered("e2", effectiveDate: day(2)),
                    .filtered("e3", effectiveDate: nil), .filtered("e4", effectiveDate: nil),
                ],
                [
                    .filtered("e1", effectiveDate: day(4)), line("e1", 3), line("e2", 3),
                    .filtered("e2", effectiveDate: day(3)),
                    line("e3", 5), .filtered("e3", effectiveDate: day(4)), line("e4", 1),
                    .filtered("e4", effectiveDate: nil),
                ],
                [line("e1", 5), .filtered("e1", effectiveDate: day(6)), .filtered("e1", effectiveDate: day(5))],
            ]),
        Check("what is filtered in a batch that is abandoned stays") { trial in
            try await trial.begin()
            try await trial.commit([line("e1", 1), line("e2", 1)])
            _ = try await trial.session().prepare(trial.batch([.filtered("e1", effectiveDate: day(2))]))
            try await trial.session().abandon()
            try await trial.verify()
            try await trial.commit([.filtered("e2", effectiveDate: day(2))])
            try await trial.complete()
            try await trial.verify()
        },
    ]

    private static func filtered(
        _ rule: String, _ conflict: ConflictPolicy, _ batches: [[SinkFixture.Record]]
    ) -> Check {
        Check("filters: \(rule)", conflict: conflict) { trial in
            try await trial.runVerifyingEach(batches)
            // Over what an earlier run has left.
            try await trial.run(SinkTrial.laterRun(1), batches.reversed())
            try await trial.verify()
        }
    }

    private static func day(_ day: Int) -> String { "2026-01-0\(day)T03:04:05.678Z" }

    private static func line(_ id: String, _ day: Int?) -> SinkFixture.Record {
        .line(
            "user-\(id)",
            .init(
                id, effectiveDate: day.map(Self.day), attributes: ["a": ["\(day ?? 0)", "x"]],
                metrics: ["day": Double(day ?? 0)]))
    }
}
