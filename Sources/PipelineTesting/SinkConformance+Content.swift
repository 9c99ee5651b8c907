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

    /// Keys that come more than once within a run: in every mode the later one counts.
    static let collisions: [Check] = [
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
    ]

    /// Merges batches, as several runs would, and compares with the model after each.
    private static func merging(_ rule: String, _ batches: [[SinkFixture.Record]]) -> Check {
        Check(rule) { trial in
            try await trial.runVerifyingEach(batches)
            // The same once more, as the next run.
            try await trial.run(SinkTrial.laterRun(), batches)
            try await trial.verify()
        }
    }

    static func full(_ id: String) -> SinkFixture.Endpoint {
        SinkFixture.Endpoint(
            id, address: "\(id)@example.com", effectiveDate: "2026-01-02T03:04:05.678Z", latitude: 52.5,
            extra: #"{"k":"v"}"#, attributes: ["a": ["1", "2", "3"], "b": ["x"]], metrics: ["m": 1.5, "n": -2])
    }
}
