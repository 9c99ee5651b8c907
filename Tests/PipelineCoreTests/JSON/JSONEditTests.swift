import PipelineCore
import Testing

@Suite struct JSONEditTests {
    private func path(_ steps: String...) -> [JSONPathStep] { steps.map(JSONPathStep.init) }

    @Test func membersAreDropped() throws {
        var tape = try JSONTape(decoding: #"{"a":{"b":1,"c":2},"d":{"b":3},"e":[{"b":4}]}"#)
        #expect(tape.dropMembers(at: path("a", "b"), below: 0) == 1)
        #expect(tape.root["a"]?.members.map(\.name) == ["c"])
        #expect(tape.dropMembers(at: path("a", "b"), below: 0) == 0)
        #expect(tape.dropMembers(at: path("*", "b"), below: 0) == 1)
        #expect(tape.root["d"]?.members.isEmpty == true)
        // Steps go through maps only.
        #expect(tape.root["e"]?.elements.first?["b"]?.integer == 4)
        #expect(tape.dropMembers(at: path("*"), below: 0) == 3)
        #expect(tape.root.members.isEmpty)
    }

    @Test func elementsAreDropped() throws {
        var tape = try JSONTape(decoding: "[1,[2,3],4]")
        let elements = tape.elementIndexes(of: 0)
        tape.dropElement(elements[1])
        #expect(tape.root.elements.map(\.integer) == [1, 4])
        #expect(tape.isDropped(elements[1]))
        #expect(!tape.isDropped(elements[0]))
    }

    @Test(arguments: ["", "plain", "a \"quote\" and \\", "é\n😀\u{1}", "\0", String(repeating: "long ", count: 100)])
    func textsTakeTheirPlace(_ text: String) throws {
        for source in [#""old""#, "12.5", "null", #"{"x":[1,2,{"y":3}]}"#, "[[],[1]]"] {
            var tape = try JSONTape(decoding: #"{"a":\#(source),"b":[\#(source),7]}"#)
            for index in tape.indexes(at: path("a"), below: 0) { tape.replace(index, with: text) }
            if let first = tape.indexes(at: path("b"), below: 0).flatMap({ tape.elementIndexes(of: $0) }).first {
                tape.replace(first, with: text)
            }
            #expect(tape.root["a"]?.text == text)
            #expect(tape.root["b"]?.elements.map(\.text) == [text, nil])
            #expect(tape.root["b"]?.elements.last?.integer == 7)
        }
    }

    @Test func copiesKeepWhatTheyWere() throws {
        let original = try JSONTape(decoding: #"{"a":"x","b":1}"#)
        var copy = original
        copy.replace(copy.indexes(at: path("a"), below: 0)[0], with: "y")
        copy.dropMembers(at: path("b"), below: 0)
        #expect(original.root["a"]?.text == "x")
        #expect(original.root["b"]?.integer == 1)
        #expect(copy.root["a"]?.text == "y")
        #expect(copy.root["b"] == nil)
    }

    @Test func pathsCompareDecodedNames() throws {
        var tape = try JSONTape(decoding: #"{"e-m\u0061il":["a@b"],"*":1,"email":2}"#)
        #expect(tape.indexes(at: path("e-mail"), below: 0).count == 1)
        #expect(tape.indexes(at: [.name("*")], below: 0).count == 1)
        #expect(tape.indexes(at: [.any], below: 0).count == 3)
        tape.dropMembers(at: [.name("e-mail")], below: 0)
        #expect(tape.root.members.map(\.name) == ["*", "email"])
    }

    @Test func endpointsAreDropped() throws {
        let tape = try JSONTape(decoding: #"{"Item":[{"Id":"1"},{"Id":"2"}]}"#)
        let list = try #require(tape.root["Item"]).index
        var endpoints = EndpointTape(tape, form: .list(node: list))
        endpoints.drop(endpoints.indexes[0])
        #expect(endpoints.endpoints.map { $0["Id"]?.text } == ["2"])
        var single = EndpointTape(try JSONTape(decoding: "{}"), form: .single(node: 0))
        #expect(single.count == 1)
        single.drop(0)
        #expect(single.count == 0)
        #expect(EndpointTape(tape, form: .none).count == 0)
    }
}
