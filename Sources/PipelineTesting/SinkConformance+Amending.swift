internal import PipelineCore

extension SinkConformance {
    /// Amending a run that has ended: afterwards it is as if the records had never failed.
    static let amending: [Check] = [
        Check("failures are told of in order, a part at a time") { trial in
            try trial.expect(await trial.session().failures(from: 0, limit: 9), [], "failures of no run")
            try await trial.begin(SinkTrial.laterRun())
            try await trial.commit([.failed("other")])
            try await trial.complete()
            for end in trial.amendableEnds {
                try await trial.begin(SinkTrial.laterRun(2))
                try await trial.commit([.failed("a"), .found("u", [.init("e")]), .failed("b")])
                try await trial.commit([.absent("v"), .failed("c"), .failed("d")])
                try await trial.commit([.failed("e")])
                try await trial.complete(end)
                await trial.close()
                let found = try await trial.failures()
                try trial.expect(found.map(\.ordinal), [0, 2, 4, 5, 6], "ordinals")
                try trial.expect(found.map(\.userID), ["a", "b", "c", "d", "e"], "users")
                try trial.expect(Set(found.map(\.code)), ["Throttled"], "codes")
                try trial.expect(
                    await trial.session().failures(from: 3, limit: 2).map(\.ordinal), [4, 5], "a part of them")
            }
        },
        Check("an amended run is one in which nobody failed") { trial in
            for (number, end) in trial.amendableEnds.enumerated() {
                try await trial.run(
                    SinkTrial.laterRun(2 * number + 1),
                    [
                        [
                            .found("user-2", [full("e2"), full("stale")]), .found("user-5", [full("e5")]),
                            .absent("user-9"),
                        ]
                    ])
                try await trial.begin(SinkTrial.laterRun(2 * number + 2))
                try await trial.commit(someRecords)
                try await trial.commit([.failed("user-5"), .found("user-6", [full("e6")]), .failed("user-7")])
                try await trial.complete(end)
                try await trial.verify()
                try await trial.amend([2: .found("user-2", [full("e2"), full("new")]), 3: .absent("user-5")])
                try await trial.verify()
                await trial.close()
                try await trial.verify()
                try trial.expect(await trial.failures().map(\.ordinal), [5], "what is left")
                try await trial.amend([5: .found("user-7", [])])
                try await trial.verify()
                let counts = try await trial.session().state().checkpoint?.counts
                try trial.expect(counts?.records, 6, "records")
                try trial.expect(counts?.failed, 0, "failed")
                try trial.expect(counts?.rows["failures"], nil, "rows of failures")
                if end == .unpublished { try await trial.complete() }
                try await trial.verify()
                await trial.close()
                try await trial.verify()
            }
        },
        Check("a record that fails again has one failure, the new one") { trial in
            for end in trial.amendableEnds {
                try await trial.begin()
                try await trial.commit([.failed("u"), .failed("v"), .found("w", [full("e")])])
                try await trial.complete(end)
                try await trial.amend([0: .failed("u"), 1: .found("v", [full("e1")])])
                try await trial.verify()
                try trial.expect(await trial.failures().map(\.ordinal), [0], "what is left")
                try await trial.amend([0: .failed("u")])
                try await trial.verify()
                try trial.expect(await trial.session().state().checkpoint?.counts.failed, 1, "failed")
                if end == .unpublished { try await trial.complete() }
                try await trial.verify()
            }
        },
        Check("an amendment that is given up leaves nothing") { trial in
            for end in trial.amendableEnds {
                try await trial.begin()
                try await trial.commit(someRecords)
                try await trial.complete(end)
                let batch = await trial.amendment([2: .found("user-2", [full("e9")])])
                _ = try await trial.session().prepare(batch)
                try await trial.verifyRows()
                try await trial.session().abandon()
                try await trial.verify()
                _ = try await trial.session().prepare(batch)
                await trial.close()
                try await trial.verify()
                try trial.expect(await trial.failures().map(\.ordinal), [2], "failures")
                try await trial.amend([2: .found("user-2", [full("e9")])])
                await trial.close()
                try await trial.verify()
                if end == .unpublished { try await trial.complete() }
                await trial.close()
                try await trial.verify()
            }
        },
        Check("what the run wrote for a later record stays") { trial in
            for end in trial.amendableEnds {
                try await trial.begin()
                try await trial.commit([.found("c", [full("taken")]), .failed("a"), .failed("d"), .failed("e")])
                try await trial.commit([.found("b", [full("moved"), full("own")]), .found("d", [full("d1")])])
                try await trial.complete(end)
                // `a` had `moved` before `b`, and `taken` after `c`; `d` came once more.
                try await trial.amend([
                    1: .found("a", [.init("moved", attributes: ["x": ["old"]]), full("taken"), full("fine")]),
                    2: .found("d", [full("d1"), full("d2")]),
                    3: .found("e", [full("fine")]),
                ])
                try await trial.verify()
                if end == .unpublished { try await trial.complete() }
                await trial.close()
                try await trial.verify()
            }
        },
        Check("random amended runs are ones in which nobody failed") { trial in
            for seed in 1...6 as ClosedRange<UInt64> where !trial.amendableEnds.isEmpty {
                var random = SinkRandom(seed: seed)
                for number in 1...4 {
                    // Each user once, with endpoints that move among them from run to run and within one.
                    var failing: [Int: SinkFixture.Record] = [:]
                    let records = (0..<16).shuffled(using: &random).enumerated().map { ordinal, user in
                        let answer = random.answer(of: "u\(user)")
                        guard Int.random(in: 0..<3, using: &random) == 0 else { return answer }
                        failing[ordinal] = answer
                        return .failed("u\(user)")
                    }
                    try await trial.begin(SinkTrial.laterRun(Int(seed) * 10 + number))
                    try await trial.commit(Array(records[..<5]))
                    try await trial.commit(Array(records[5..<12]))
                    try await trial.commit(Array(records[12...]))
                    let end = trial.amendableEnds.randomElement(using: &random) ?? .complete
                    try await trial.complete(end)
                    var rest = failing.keys.sorted().shuffled(using: &random)
                    while !rest.isEmpty {
                        let part = rest.prefix(Int.random(in: 1...4, using: &random))
                        rest.removeFirst(part.count)
                        try await trial.amend(failing.filter { part.contains($0.key) })
                        if Bool.random(using: &random) { await trial.close() }
                    }
                    if end == .unpublished { try await trial.complete() }
                    do { try await trial.verify() } catch {
                        throw trial.failure("seed \(seed), run \(number): \(error)")
                    }
                }
            }
        },
        Check("the run after an amended one is a run like any other") { trial in
            for end in trial.amendableEnds {
                try await trial.begin()
                try await trial.commit(someRecords)
                try await trial.complete(end)
                try await trial.amend([2: .found("user-2", [full("e7")])])
                if end == .unpublished { try await trial.complete() }
                try await trial.run(
                    SinkTrial.laterRun(), [[.found("user-2", [full("e8")]), .failed("user-0")], [.absent("user-1")]])
                await trial.close()
                try await trial.verify()
            }
        },
        Check("an amended run that waits can be given up") { trial in
            guard trial.mode == .replace else { return }
            try await trial.run(SinkTrial.laterRun(), [someRecords])
            try await trial.begin()
            try await trial.commit([.failed("u"), .found("v", [full("e")])])
            try await trial.complete(.unpublished)
            try await trial.amend([0: .found("u", [full("e0")])])
            try await trial.abandonRun()
            try await trial.verify()
            await trial.close()
            try await trial.run(SinkTrial.laterRun(2), [[.found("w", [full("e1")])]])
            try await trial.verify()
        },
        Check("a run whose rows can't change any more says so") { trial in
            guard !trial.isKeyed else { return }
            try await trial.run([someRecords])
            let error = try await trial.expectError(.cantCreate, "failures of what is published") {
                try await trial.session().failures(from: 0, limit: 9)
            }
            if error.hint == nil { throw trial.failure("the error doesn't say what to do") }
            try await trial.run(SinkTrial.laterRun(), [[.found("user-2", [full("e8")])]])
            try trial.expect(await trial.session().failures(from: 0, limit: 9), [], "failures of a run without any")
        },
    ]
}
