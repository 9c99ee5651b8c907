import Pinpoint
import PipelineCore
import Testing

@Suite struct ArchiveLineDecoderTests {
    private func decode(_ line: String, application: String? = nil) -> Outcome {
        ArchiveLineDecoder(applicationID: application).decode(Array(line.utf8))
    }

    /// The endpoints' Ids ("-" for one without) of a record that was found; nil for another outcome.
    private func ids(_ outcome: Outcome) -> [String]? {
        guard case .found(let tape) = outcome else { return nil }
        return tape.endpoints.map { $0["Id"]?.text ?? "-" }
    }

    private func failure(_ outcome: Outcome) -> RecordFailure? {
        if case .failed(let failure) = outcome { failure } else { nil }
    }

    @Test(
        arguments: [
            (#"{"Id":"a"}"#, ["a"]), (#"{"Address":"x","Id":"a","User":{"UserId":"u"}}"#, ["a"]),
            // An Id at the top makes it an endpoint, whatever else there is.
            (#"{"Id":"a","Item":[{"Id":"b"}]}"#, ["a"]), (#"{"Item":[{"Id":"b"}],"Id":"a"}"#, ["a"]),
            (#"{"\u0049d":"a"}"#, ["a"]), (#" {"Id":"a"} "#, ["a"]),
            (#"{"Item":[{"Id":"a"},{"Id":"b"}]}"#, ["a", "b"]), (#"{"Item":[]}"#, []), (#"{"Item":null}"#, []),
            (#"{"Item":5,"Item":[{"Id":"a"}]}"#, ["a"]),
            (#"{"EndpointsResponse":{"Item":[{"Id":"a"},{}]},"ResponseMetadata":{}}"#, ["a", "-"]),
            (#"{"EndpointsResponse":{"Item":null}}"#, []),
            // Endpoints that can't be stored: the flattening says so.
            ("{}", ["-"]), (#"{"id":"a"}"#, ["-"]), (#"{"EndpointsResponse":{}}"#, ["-"]),
            (#"{"EndpointsResponse":[]}"#, ["-"]),
        ] as [(String, [String])])
    func found(_ line: String, _ expected: [String]) {
        #expect(ids(decode(line)) == expected)
        #expect(ids(decode(line, application: "app")) == expected)
    }

    @Test(arguments: [
        "", " ", "secret", "<secret>", "[]", #"["secret"]"#, "null", "7", #""secret""#, #"{"Id":"secret""#,
        #"{"Id":"a"} secret"#, #"{"Id":"a"}{"Id":"secret"}"#, "\u{FEFF}{}", #"{"Item":{}}"#, #"{"Item":"secret"}"#,
        #"{"Item":[{},null]}"#, #"{"Item":[["secret"]]}"#, #"{"EndpointsResponse":{"Item":7}}"#,
        String(repeating: #"{"a":"#, count: 200) + "1" + String(repeating: "}", count: 200),
    ])
    func malformed(_ line: String) throws {
        let failure = try #require(self.failure(decode(line)))
        #expect(failure.code == "MalformedRecord")
        #expect(failure.attempts == 0 && failure.status == nil)
        #expect(!failure.message.isEmpty && !failure.message.contains("secret"))
        #expect(failure.message.first?.isLowercase == true)
    }

    @Test func notUTF8() throws {
        let outcome = ArchiveLineDecoder(applicationID: nil).decode(
            Array(#"{"Id":""#.utf8) + [0xFF] + Array(#""}"#.utf8))
        #expect(try #require(self.failure(outcome)).code == "MalformedRecord")
    }

    @Test(
        arguments: [
            (#"{"Id":"a","ApplicationId":"app"}"#, true), (#"{"Id":"a"}"#, true),
            (#"{"Id":"a","ApplicationId":"\u0061pp"}"#, true), (#"{"Id":"a","ApplicationId":null}"#, true),
            (#"{"Id":"a","ApplicationId":"apq"}"#, false), (#"{"Id":"a","ApplicationId":"APP"}"#, false),
            (#"{"Id":"a","ApplicationId":""}"#, false), (#"{"Id":"a","ApplicationId":7}"#, false),
            (#"{"Id":"a","ApplicationId":{"app":"app"}}"#, false), (#"{"ApplicationId":"elsewhere"}"#, false),
            (#"{"Item":[{"Id":"a","ApplicationId":"app"},{"Id":"b","ApplicationId":"elsewhere"}]}"#, false),
            (#"{"Item":[{"Id":"a","ApplicationId":"app"},{"Id":"b"}]}"#, true),
            (#"{"EndpointsResponse":{"Item":[{"ApplicationId":"elsewhere"}]}}"#, false),
            // Not the endpoint's own.
            (#"{"Id":"a","Attributes":{"ApplicationId":["elsewhere"]}}"#, true),
            (#"{"Item":[{"Id":"a"}],"ApplicationId":"elsewhere"}"#, true), (#"{"Item":null}"#, true),
        ])
    func comparesTheApplication(_ line: String, _ fits: Bool) {
        let outcome = decode(line, application: "app")
        #expect((ids(outcome) != nil) == fits)
        #expect(failure(outcome)?.code == (fits ? nil : "WrongApplication"))
        #expect(failure(outcome)?.message.contains("elsewhere") != true)
        #expect(ids(decode(line)) != nil)
    }
}
