internal import PipelineCore

extension SinkConformance {
    /// Which of two endpoints counts where their dates decide it: the same in every mode, and in a store without keys both.
    static let newest: [Check] = [
        newest(
            "of two endpoints the newer one counts, with its parts alone, whichever comes first",
            [
                [line("e1", 2, "b"), line("e2", 1, "a"), line("e3", 3, "c")],
                [line("e1", 1, "a"), line("e2", 2, "b"), line("e4", 1, "a")],
                [line("e1", 3, "c"), line("e2", 1, "a"), line("e3", 2, "b"), line("e4", 2, "b")],
            ]),
        newest(
            "within a batch as well",
            [
                [line("e1", 1, "a"), line("e1", 3, "c"), line("e1", 2, "b"), line("e2", 3, "c"), line("e2", 1, "a")],
                [line("e1", 2, "b"), line("e2", 2, "b"), line("e1", 1, "a"), line("e3", 1, "a")],
                [line("e2", 1, "a"), line("e2", 4, "d"), line("e1", 3, "later"), line("e1", 1, "a")],
            ]),
        newest(
            "of two that are equally new the later one counts",
            [
                [line("e1", 2, "first"), line("e2", 2, "first"), line("e2", 2, "second")],
                [line("e1", 2, "second")],
                [line("e1", 1, "older"), line("e1", 2, "third"), line("e2", 2, "third"), line("e2", 1, "older")],
            ]),
        newest(
            "none is older than any date, and of two without the later one counts",
            [
                [line("e1", nil, "first"), line("e2", 1, "a"), line("e3", nil, "first"), line("e3", nil, "second")],
                [line("e1", nil, "second"), line("e2", nil, "none"), line("e3", 1, "a"), line("e3", nil, "none")],
                [line("e1", 1, "a"), line("e2", nil, "none"), line("e2", nil, "none")],
            ]),
        newest(
            "what gives way leaves no parts, and takes none away",
            [
                [
                    .line("u", .init("e1", effectiveDate: day(2), attributes: ["a": ["1", "2"]], metrics: ["m": 1])),
                    .line("u", .init("e2", effectiveDate: day(2))),
                ],
                [
                    .line("v", .init("e1", effectiveDate: day(1))),
                    .line("v", .init("e2", effectiveDate: day(1), attributes: ["x": ["9"]], metrics: ["x": 9])),
                ],
                [
                    .line("w", .init("e1", effectiveDate: day(3), metrics: ["n": 2])),
                    .line("w", .init("e2", effectiveDate: day(2), attributes: ["b": ["3"]])),
                ],
            ]),
        Check("overlapping archives in any order end with the newest of each endpoint", conflict: .newest) { trial in
            // Each endpoint has a date of its own in each archive, so whatever the order, the end is the same.
            let archives = (0..<5).map { archive in
                (0..<40).filter { ($0 + archive) % 3 != 0 }.map { number in
                    line("e\(number)", 1 + (number * 7 + archive * 11) % 23, "archive \(archive)")
                }
            }
            let ids = (0..<40).map { "e\($0)" }
            let wanted = ids.map { id in
                archives.joined().compactMap(\.endpoint).filter { $0.id == id }.max {
                    $0.effectiveDate ?? "" < $1.effectiveDate ?? ""
                }
            }
            let seed = UInt64.random(in: 0...UInt64.max)
            var random = SinkRandom(seed: seed)
            for number in 0..<4 {
                let order = archives.shuffled(using: &random)
                try await trial.begin(SinkTrial.laterRun(number + 1))
                for records in order {
                    // In batches that are cut anywhere, and now and then two archives in one.
                    let cut = Int.random(in: 0...records.count, using: &random)
                    try await trial.commit(Array(records[..<cut]))
                    try await trial.commit(Array(records[cut...]))
                }
                try await trial.commit(Array(order.joined()).shuffled(using: &random))
                try await trial.complete()
                try await trial.verify()
                guard trial.isKeyed, number == 0 || trial.mode != .append else { continue }
                let metrics = wanted.compactMap { $0 }.flatMap {
                    SinkFixture.metricRows($0, runID: trial.mode == .append ? SinkTrial.laterRun(1) : nil)
                }
                let table = trial.tables[3]
                do { try await trial.verify(table, holds: metrics) } catch {
                    throw trial.failure("\(error) (seed \(seed), run \(number + 1))")
                }
            }
        },
        Check("rows that give way are superseded, those of earlier runs aren't", conflict: .newest) { trial in
            try await trial.run([[line("e1", 2, "b"), line("e2", 2, "b"), line("e3", 2, "b")]])
            try await trial.begin(SinkTrial.laterRun())
            // Older than what an earlier run has left; newer than that; equal to it.
            try await trial.commit([line("e1", 1, "a"), line("e2", 3, "c"), line("e3", 2, "later")])
            let first = try await trial.session().state().checkpoint?.counts.superseded
            try trial.expect(first, trial.isKeyed && trial.mode == .merge ? 1 : 0, "superseded")
            // Within the run: one that gives way, two that make others give way, and two of three in the batch.
            try await trial.commit([
                line("e2", 2, "b"), line("e3", 3, "c"), line("e4", 1, "a"), line("e4", 3, "c"), line("e4", 2, "b"),
            ])
            try await trial.commit([line("e4", 3, "later"), line("e5", nil, "none")])
            let counts = try await trial.session().state().checkpoint?.counts
            let within = trial.isKeyed ? 5 : 0
            try trial.expect(counts?.superseded, (first ?? 0) + within, "superseded")
            try trial.expect(counts?.previousEndpoints, 0, "previous endpoints")
            try trial.expect(counts?.removed, 0, "removed")
            try await trial.complete()
            try await trial.verify()
        },
        Check("a user's fetch counts whatever the dates say", conflict: .newest) { trial in
            try await trial.begin()
            try await trial.commit([line("e1", 3, "c"), line("e2", 3, "c")])
            try await trial.commit([.found("u", [.init("e1", effectiveDate: day(1), metrics: ["k": 1])])])
            try await trial.verify()
            try await trial.commit([line("e1", 2, "b"), .failed("v"), line("e3", 1, "a")])
            try await trial.verify()
            try await trial.commit([.absent("u")])
            try await trial.complete()
            try await trial.verify()
        },
        Check("what gives way in a batch that is abandoned doesn't", conflict: .newest) { trial in
            try await trial.begin()
            try await trial.commit([line("e1", 2, "b")])
            let records = [line("e1", 3, "c"), line("e2", 1, "a"), line("e2", 3, "c")]
            _ = try await trial.session().prepare(trial.batch(records))
            try await trial.session().abandon()
            try await trial.verify()
            _ = try await trial.session().prepare(trial.batch(records))
            await trial.close()
            try await trial.verify()
            try await trial.commit([line("e1", 2, "later"), line("e2", 2, "b")])
            try await trial.complete()
            try await trial.verify()
        },
    ]

    /// Commits batches in which the newest endpoint counts, and compares with the model after each.
    private static func newest(_ rule: String, _ batches: [[SinkFixture.Record]]) -> Check {
        Check("the newest counts: \(rule)", conflict: .newest) { trial in
            try await trial.runVerifyingEach(batches)
            // The other way round, and then the same once more, as the next runs.
            try await trial.run(SinkTrial.laterRun(1), batches.reversed())
            try await trial.verify()
            try await trial.run(SinkTrial.laterRun(2), batches)
            try await trial.verify()
        }
    }

    private static func day(_ day: Int) -> String { "2026-01-\(day < 10 ? "0" : "")\(day)T03:04:05.678Z" }

    /// An archive's line whose parts tell which one it is.
    private static func line(_ id: String, _ day: Int?, _ mark: String) -> SinkFixture.Record {
        .line(
            "user-\(mark)",
            .init(
                id, address: mark, effectiveDate: day.map(Self.day), attributes: ["mark": [mark], mark: ["x", "y"]],
                metrics: ["day": Double(day ?? 0), mark: 1]))
    }
}

extension SinkFixture.Record {
    fileprivate var endpoint: SinkFixture.Endpoint? {
        if case .line(_, let endpoint) = self { endpoint } else { nil }
    }
}
