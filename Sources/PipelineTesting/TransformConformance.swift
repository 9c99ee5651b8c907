public import PipelineCore

/// What every transform must pass, whoever wrote it: that it is pure.
///
/// It needs no test framework: a check throws a `Violation` that says what is wrong. With Swift Testing:
///
/// ```swift
/// @Test(arguments: TransformConformance.Check.allCases)
/// func conforms(_ check: TransformConformance.Check) async throws {
///     try await TransformConformance(MyTransform(…)).run(check)
/// }
/// ```
public struct TransformConformance: Sendable {
    /// One promise of `Transform`.
    public enum Check: String, Sendable, CaseIterable {
        /// The same tape gives the same result, however often.
        case givesTheSameAgain
        /// A copy of the tape that was made before it stays what it was.
        case leavesCopiesAlone
        /// What was edited before changes nothing: all samples in order, backwards, and one after each other one.
        case remembersNothing
        /// Many tasks at once get what one gets.
        case sharesNothing
        /// An endpoint's result doesn't depend on the others of its answer.
        case seesOneEndpoint
        /// No endpoint appears; one that was taken out before stays out, but is edited like the others.
        case takesOutAtMost
        /// The idMask of an ID is always the same, and what the tape has in its place.
        case disguisesAsItEdits
    }

    /// A promise that isn't kept.
    public struct Violation: Error, Sendable, CustomStringConvertible {
        public var check: Check
        public var message: String

        public var description: String { "\(check.rawValue): \(message)" }
    }

    private let transform: any Transform
    private let samples: [String]

    /// - Parameter samples: answers as the service gives them, `{"Item":[…]}`, each of JSON that is valid.
    public init(_ transform: any Transform, samples: [String] = Self.sampleAnswers) {
        self.transform = transform
        self.samples = samples
    }

    /// Answers with every member, with none, with values of types that nobody expects, and with names that are spelled oddly.
    public static let sampleAnswers: [String] = [
        #"{"Item":[]}"#,
        #"{"Item":[{"Id":"e1","Address":"jane@example.com","ChannelType":"EMAIL","EndpointStatus":"ACTIVE","OptOut":"ALL"}]}"#,
        """
        {"Item":[{"Id":"e1","ApplicationId":"app","Address":"+491234","ChannelType":"SMS","Attributes":{"e.mail":["a@b.c","d"],
        "Interests":[],"plan":["gold",null,5]},"Metrics":{"age":39,"score":1e400},"Demographic":{"Make":"m","Locale":null},
        "Location":{"City":"Köln","Latitude":50.9},"User":{"UserId":"u","UserAttributes":{"tier":["1"],"*":["star"]}}},
        {"Id":"e2","EndpointStatus":"INACTIVE","User":{"UserId":"v"}},{"Id":"e3"}]}
        """,
        #"{"Item":[{"Id":5,"Address":{"a":["x"]},"Attributes":"none","User":null,"New":[{"a":1}],"Location":{}}]}"#,
        #"{"Item":[{"\u0049d":"e","Addres\u0073":"\u0000\ud800","Attributes":{"\u0070lan":["\ud83d\ude00"]},"OptOut":true}]}"#,
    ]

    /// Runs all checks; the first violation is thrown.
    public func run() async throws {
        for check in Check.allCases { try await run(check) }
    }

    public func run(_ check: Check) async throws {
        let tapes = try samples.map { try Self.tape($0) }
        let expected = try tapes.map { try edited($0) }
        func require(_ isKept: Bool, _ message: @autoclosure () -> String) throws {
            if !isKept { throw Violation(check: check, message: message()) }
        }
        switch check {
        case .givesTheSameAgain:
            for (tape, result) in zip(tapes, expected) {
                for _ in 0..<3 { try require(try edited(tape) == result, "another result for the same answer") }
            }
        case .leavesCopiesAlone:
            for tape in tapes {
                let before = Self.text(of: tape)
                var copy = tape
                try transform.apply(to: &copy)
                try require(Self.text(of: tape) == before, "a copy of the tape was edited as well")
            }
        case .remembersNothing:
            for index in tapes.indices.reversed() {
                try require(try edited(tapes[index]) == expected[index], "another result when the order is another")
                for other in tapes {
                    _ = try edited(other)
                    try require(try edited(tapes[index]) == expected[index], "another result behind another answer")
                }
            }
        case .sharesNothing:
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        for _ in 0..<20 {
                            for (tape, result) in zip(tapes, expected) where try edited(tape) != result { return false }
                        }
                        return true
                    }
                }
                for try await isSame in group { try require(isSame, "another result when many tasks edit at once") }
            }
        case .seesOneEndpoint:
            for tape in tapes {
                let single = try tape.allIndexes.flatMap { kept -> [String] in
                    var part = tape
                    for index in tape.indexes where index != kept { part.drop(index) }
                    return try edited(part).endpoints
                }
                try require(single == (try edited(tape).endpoints), "an endpoint fares otherwise beside others")
            }
        case .takesOutAtMost:
            for tape in tapes {
                var all = tape
                try transform.apply(to: &all)
                try require(all.allIndexes == tape.allIndexes, "the list has other elements")
                try require(Set(all.indexes).isSubset(of: tape.indexes), "an endpoint came back")
                var none = tape
                for index in tape.indexes { none.drop(index) }
                try transform.apply(to: &none)
                try require(none.count == 0, "an endpoint that was taken out came back")
                for index in all.indexes {
                    try require(
                        Self.text(of: all.tape.value(at: index)) == Self.text(of: none.tape.value(at: index)),
                        "an endpoint that was taken out is edited otherwise")
                }
            }
        case .disguisesAsItEdits:
            for (id, member) in [
                (RecordID.user, #""User":{"UserId":"ü/1"}"#), (.application, #""ApplicationId":"ü/1""#),
            ] {
                guard let idMask = transform.idMask(for: id) else { continue }
                try require(idMask("ü/1") == idMask("ü/1"), "an ID has two idMasks")
                var tape = try Self.tape("{\"Item\":[{\"Id\":\"e\",\(member)}]}")
                try transform.apply(to: &tape)
                guard let index = tape.allIndexes.first else { continue }
                let endpoint = tape.tape.value(at: index)
                let value = id == .user ? endpoint["User"]?["UserId"] : endpoint["ApplicationId"]
                try require(value?.text == idMask("ü/1"), "the tape has another ID than the rest of the rows")
            }
        }
    }

    // MARK: Tapes

    private struct Edited: Equatable {
        var whole: String
        var endpoints: [String]
    }

    private func edited(_ tape: EndpointTape) throws -> Edited {
        var tape = tape
        try transform.apply(to: &tape)
        return Edited(whole: Self.text(of: tape), endpoints: tape.endpoints.map(Self.text))
    }

    private static func tape(_ answer: String) throws -> EndpointTape {
        let tape = try JSONTape(decoding: answer)
        return EndpointTape(tape, form: tape.root["Item"].map { .list(node: $0.index) } ?? .none)
    }

    private static func text(of tape: EndpointTape) -> String { text(of: tape.tape.root) }

    /// A value with all that makes a difference to it.
    private static func text(of node: JSONNode) -> String {
        switch node.kind {
        case .null, .true, .false: "\(node.kind)"
        case .number: node.numberText
        case .string: "\(node.textBytes ?? [])"
        case .array: "[" + node.elements.map { text(of: $0) }.joined(separator: ",") + "]"
        case .object: "{" + node.nameBytes.map { "\($0.name):" + text(of: $0.value) }.joined(separator: ",") + "}"
        }
    }
}
