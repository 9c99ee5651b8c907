internal import PipelineCore

extension SinkConformance {
    /// Values at their limits, and every type.
    static let content: [Check] = [
        Check("values come back as they were written") { trial in
            try await trial.begin()
            let odd = [
                "", " ", "ß\u{1F469}\u{200D}\u{1F680}", "a'b\"c\\d", "\u{1}\t\r\n\u{7F}", "NULL", "\\N", "0123",
                "e\u{301}",
                "\u{FFFD}\u{10FFFF}", ",;|\t",
            ]
            let numbers = [
                0.1, 0, .leastNonzeroMagnitude, 1.797_693_134_862_315_7e308, -122.419_4, 9_007_199_254_740_992,
            ]
            let endpoints = odd.enumerated().map { index, text in
                SinkFixture.Endpoint(
                    "id\(index)\(text)", address: text, latitude: numbers[index % numbers.count],
                    attributes: ["n\(text)": odd], metrics: ["m": numbers[index % numbers.count]])
            }
            try await trial.commit([.found("user ü'\"", endpoints)])
            try await trial.verify()
        },
        Check("big values come back as they were written") { trial in
            try await trial.begin()
            let big = String(repeating: "0123456789abcde\u{E9}", count: 70_000)
            try await trial.commit([
                .found(
                    "user-1", [.init("e1", address: big, extra: #"{"big":"\#(big)"}"#, attributes: ["a": [big, ""]])])
            ])
            try await trial.verify()
        },
    ]

    /// What `merge` means.
    static let merge: [Check] = [
        merging(
            "a user that is fetched again has its rows replaced as a whole",
            [
                [.found("u", [full("e1"), full("e2")])],
                [.found("u", [.init("e1", attributes: ["a": ["only"]])])],
                [.found("u", [])],
            ]),
        merging(
            "an absent user has no endpoints",
            [[.found("u", [full("e1"), full("e2")])], [.absent("u")], [.absent("u")]]),
        merging(
            "a failed user keeps everything",
            [[.found("u", [full("e1"), full("e2")])], [.failed("u")], [.failed("v")]]),
        merging(
            "an endpoint moves to another user within a batch, in either order",
            [
                [.found("u", [full("e1")]), .found("v", [full("e2")])],
                [.found("u", []), .found("v", [full("e1"), .init("e2")])],
                [.found("u", [.init("e1", attributes: ["z": ["1"]])]), .found("v", [])],
            ]),
        merging(
            "an endpoint moves to another user across batches, in either order",
            [
                [.found("u", [full("e1"), full("e2")])], [.found("v", [.init("e1")])],
                [.found("u", [full("e2")])], [.found("v", [])], [.found("w", [full("e2")])],
                [.found("u", [full("e2")])],
            ]),
        merging(
            "a user that stands twice in a batch ends as its later record says",
            [
                [.found("u", [full("e1"), full("e2")]), .found("u", [.init("e1", attributes: ["a": ["1"]])])],
                [.found("u", [full("e1"), full("e3")]), .absent("u")],
                [.absent("u"), .found("u", [full("e4")])],
                [.found("u", [full("e4")]), .failed("u")],
            ]),
        merging(
            "of two equal endpoints in a batch the later one counts, with its parts alone",
            [
                [.found("u", [full("e1"), .init("e1", attributes: ["a": ["1"]])])],
                [.found("u", [full("e2"), .init("e2")]), .found("v", [.init("e3"), full("e3")])],
                [.found("u", [full("e4"), full("e5")]), .found("v", [.init("e4"), .init("e5", metrics: ["k": 1])])],
                [.found("u", [full("e6")]), .found("v", [full("e6")]), .found("v", [])],
            ]),
        merging(
            "an archive's lines replace endpoints one by one and remove nothing else",
            [
                [.line("u", full("e1")), .line("u", full("e2")), .line("v", .init("e1"))],
                [.line("u", .init("e2", attributes: ["a": ["1"]])), .line("w", full("e3"))],
            ]),
        Check("keys are compared exactly") { trial in
            try await trial.begin()
            try await trial.commit([
                .found("u", [full("e"), full("E"), full("e "), full("\u{E9}"), full("e\u{301}")]),
                .found("U", [full("ë")]),
            ])
            try await trial.commit([.found("u ", []), .found("U", [])])
            try await trial.verify()
        },
        Check("rows of earlier runs are previous, rows of this run are superseded") { trial in
            try await trial.begin()
            try await trial.commit([.found("u", [full("e1"), full("e2")]), .found("v", [full("e3")])])
            try await trial.complete()
            try await trial.begin("conformance-20261124T000000Z")
            try await trial.commit([.found("u", [full("e1")])])
            try await trial.commit([.found("u", [full("e1")]), .absent("v")])
            let counts = try await trial.session().state().checkpoint?.counts
            try trial.expect(counts?.previousEndpoints, 3, "previous endpoints")
            try trial.expect(counts?.removed, 2, "removed")
            try trial.expect(counts?.superseded, 1, "superseded")
            try await trial.verify()
        },
        Check("two shards write into one store in turn") { trial in
            try await trial.begin()
            let other = try await trial.open(shard: 1)
            do {
                _ = try await other.begin(SinkTrial.run(SinkTrial.runID), fingerprint: "fingerprint-1")
                try await trial.commit([.found("u", [full("e1")]), .failed("x")])
                let batch = SinkFixture.batch(
                    [.found("v", [full("e2")]), .failed("y")], commitNumber: 1, firstOrdinal: 0, runID: SinkTrial.runID,
                    shard: 1)
                _ = try await other.prepare(batch)
                try await other.commit()
                try trial.expect(await other.state().checkpoint?.commitNumber, 1, "the other shard's commit")
                try trial.expect(
                    await trial.session().state().checkpoint, await trial.checkpoint, "the first's checkpoint")
            } catch {
                await other.close()
                throw error
            }
            await other.close()
            var both = await trial.model
            _ = both.merge(
                [.found("v", [full("e2")]), .failed("y")], firstOrdinal: 0, runID: SinkTrial.runID, shard: 1)
            for table in SinkFixture.tables { try await trial.verify(table, holds: both.rows(of: table)) }
        },
    ]

    /// Merges batches, as several runs would, and compares with the model after each.
    private static func merging(_ rule: String, _ batches: [[SinkFixture.Record]]) -> Check {
        Check(rule) { trial in
            try await trial.begin()
            for batch in batches {
                try await trial.commit(batch)
                try await trial.verify()
            }
            // The same once more, as the next run.
            try await trial.complete()
            try await trial.begin("conformance-20261124T000000Z")
            for batch in batches { try await trial.commit(batch) }
            try await trial.verify()
        }
    }

    private static func full(_ id: String) -> SinkFixture.Endpoint {
        SinkFixture.Endpoint(
            id, address: "\(id)@example.com", effectiveDate: "2026-01-02T03:04:05.678Z", latitude: 52.5,
            extra: #"{"k":"v"}"#, attributes: ["a": ["1", "2", "3"], "b": ["x"]], metrics: ["m": 1.5, "n": -2])
    }

    /// Random batches over few users and endpoints, so that everything collides, compared with the model.
    ///
    /// - Parameters:
    ///   - seed: the same seed gives the same batches; it stands in the check's description.
    ///   - batches: how many are committed; the store is read after every tenth and at the end.
    ///   - asArchive: lines instead of users' answers.
    public static func randomMerge(seed: UInt64, batches: Int = 30, asArchive: Bool = false) -> Check {
        Check("random batches end as the model says (seed \(seed)\(asArchive ? ", archive" : ""))") { trial in
            var random = SinkRandom(seed: seed)
            try await trial.begin()
            for number in 1...batches {
                try await trial.commit(
                    (0..<Int.random(in: 0...8, using: &random)).map { _ in random.record(asArchive: asArchive) })
                if Int.random(in: 0..<6, using: &random) == 0 {
                    _ = try await trial.session().prepare(trial.batch([random.record(asArchive: asArchive)]))
                    try await trial.session().abandon()
                }
                if Int.random(in: 0..<6, using: &random) == 0 { await trial.close() }
                if number % 10 == 0 { try await trial.verify() }
                if Int.random(in: 0..<8, using: &random) == 0 {
                    try await trial.complete()
                    try await trial.begin("conformance-\(number)")
                }
            }
            try await trial.verify()
        }
    }
}

/// SplitMix64: small, and the same everywhere.
struct SinkRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func record(asArchive: Bool) -> SinkFixture.Record {
        let user = "u\(Int.random(in: 0..<6, using: &self))"
        if asArchive { return .line(user, endpoint()) }
        switch Int.random(in: 0..<10, using: &self) {
        case 0: return .failed(user)
        case 1: return .absent(user)
        default: return .found(user, (0..<Int.random(in: 0...4, using: &self)).map { _ in endpoint() })
        }
    }

    private mutating func endpoint() -> SinkFixture.Endpoint {
        var attributes: [String: [String]] = [:]
        for _ in 0..<Int.random(in: 0...2, using: &self) {
            attributes["a\(Int.random(in: 0..<3, using: &self))"] =
                (0..<Int.random(in: 1...3, using: &self)).map { _ in String(next() % 100) }
        }
        var metrics: [String: Double] = [:]
        if Bool.random(using: &self) { metrics["m"] = Double(next() % 1000) / 8 }
        return SinkFixture.Endpoint(
            "e\(Int.random(in: 0..<12, using: &self))", address: Bool.random(using: &self) ? String(next()) : nil,
            attributes: attributes, metrics: metrics)
    }
}
