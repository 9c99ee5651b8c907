public import PipelineCore

extension SinkConformance {
    /// Random batches over few users and endpoints, so that everything collides, in runs that are interrupted, given up and
    /// done again, compared with the model.
    ///
    /// - Parameters:
    ///   - keyed: as in `checks(for:keyed:)`.
    ///   - seed: the same seed gives the same sequence; it stands in the check's description.
    ///   - batches: how many are committed; the store is read after every tenth, after every run and at the end.
    ///   - asArchive: lines instead of users' answers.
    ///   - conflict: which of two endpoints counts; of an archive's lines alone.
    public static func random(
        for mode: WriteMode, keyed: Bool = true, seed: UInt64, batches: Int = 30, asArchive: Bool = false,
        conflict: ConflictPolicy = .last
    ) -> Check {
        let kind = (asArchive ? ", archive" : "") + (conflict == .newest ? ", the newest counts" : "")
        let rule = "random batches end as the model says (seed \(seed)\(kind))"
        let check = Check(rule, conflict: conflict) { trial in
            var random = SinkRandom(seed: seed)
            var runs = 1
            func next() async throws {
                // Now and then one that was there before.
                let isAgain = Int.random(in: 0..<4, using: &random) == 0
                let number = isAgain ? Int.random(in: 1...runs, using: &random) : runs + 1
                runs = max(runs, number)
                try await trial.begin(SinkTrial.laterRun(number))
            }
            try await trial.begin(SinkTrial.laterRun(runs))
            for number in 1...batches {
                let records = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                    random.record(asArchive: asArchive)
                }
                try await trial.commit(records)
                switch Int.random(in: 0..<16, using: &random) {
                case 0...1:
                    _ = try await trial.session().prepare(trial.batch([random.record(asArchive: asArchive)]))
                    try await trial.session().abandon()
                case 2:
                    _ = try await trial.session().prepare(trial.batch([random.record(asArchive: asArchive)]))
                    await trial.close()
                case 3...4: await trial.close()
                case 5:
                    _ = try await trial.session().prepareCompletion(state: .complete, finishedAt: SinkTrial.finishedAt)
                    if Bool.random(using: &random) { await trial.close() } else { try await trial.session().abandon() }
                case 6:
                    try await trial.abandonRun()
                    try await trial.verify()
                    try await next()
                case 7 where mode == .replace:
                    try await trial.complete(.unpublished)
                    if Bool.random(using: &random) { await trial.close() }
                    try await trial.verify()
                    if Bool.random(using: &random) { try await trial.complete() } else { try await trial.abandonRun() }
                    try await trial.verify()
                    try await next()
                case 7...9:
                    try await trial.complete()
                    try await trial.verify()
                    try await next()
                default: break
                }
                if number % 10 == 0 { try await trial.verify() }
            }
            try await trial.complete()
            try await trial.verify()
        }
        return check.applied(to: mode, isKeyed: keyed)
    }

    /// As `random(for: .merge, …)`.
    public static func randomMerge(seed: UInt64, batches: Int = 30, asArchive: Bool = false) -> Check {
        random(for: .merge, seed: seed, batches: batches, asArchive: asArchive)
    }
}
