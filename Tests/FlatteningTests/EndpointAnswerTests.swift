import Pinpoint
import PipelineCore
import Testing

@Suite struct EndpointAnswerTests {
    @Test(arguments: [
        (#"{"Item":[]}"#, 0), (#"{"Item":null}"#, 0), (#"{"Item":[{"Id":"1"}]}"#, 1),
        (#"{"Item":[{},{}],"Other":1}"#, 2),
        (#"{"Item":5,"Item":[{}]}"#, 1), (#"{"\u0049tem":[{}]}"#, 1),
    ])
    func found(_ body: String, _ count: Int) throws {
        #expect(try EndpointAnswer.decode(Array(body.utf8)).count == count)
    }

    @Test(arguments: [
        "", "{}", "[]", "null", #"{"Item":{}}"#, #"{"Item":"x"}"#, #"{"Item":[{},null]}"#, #"{"Item":[[]]}"#,
        #"{"item":[]}"#,
        "<html>secret</html>", #"{"Item":[{"Id":"secret"}"#, #"{"Item":[]} secret"#,
    ])
    func malformed(_ body: String) {
        let error = #expect(throws: MalformedAnswer.self) { try EndpointAnswer.decode(Array(body.utf8)) }
        #expect(error?.message.isEmpty == false)
        #expect(error?.message.contains("secret") == false)
    }

    @Test(
        arguments: [
            (#"{"Message":"m","RequestID":"r"}"#, nil, "m", "r"), (#"{"__type":"a#B","message":"m"}"#, "a#B", "m", nil),
            (#"{"code":"C"}"#, "C", nil, nil),
            (#"{"__type":5,"code":"C","Message":null,"message":"m"}"#, "C", "m", nil),
            ("<html>", nil, nil, nil), ("", nil, nil, nil), ("[1]", nil, nil, nil),
        ] as [(String, String?, String?, String?)])
    func errorBodies(_ body: String, _ code: String?, _ message: String?, _ requestID: String?) {
        let said = EndpointAnswer.errorBody(Array(body.utf8))
        #expect(said.code == code)
        #expect(said.message == message)
        #expect(said.requestID == requestID)
    }
}
