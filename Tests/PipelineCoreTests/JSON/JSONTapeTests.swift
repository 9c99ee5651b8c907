import PipelineCore
import Testing

@Suite struct JSONTapeTests {
    struct Broken: Sendable, CustomTestStringConvertible {
        var bytes: [UInt8]
        var reason: JSONDecodingError.Reason
        var offset: Int
        var testDescription: String { "\(String(decoding: bytes, as: UTF8.self)) \(reason)" }

        init(_ text: String, _ reason: JSONDecodingError.Reason, _ offset: Int) {
            self.init(Array(text.utf8), reason, offset)
        }
        init(_ bytes: [UInt8], _ reason: JSONDecodingError.Reason, _ offset: Int) {
            (self.bytes, self.reason, self.offset) = (bytes, reason, offset)
        }
    }

    @Test(arguments: [
        Broken("", .unexpectedEnd, 0), Broken("  ", .unexpectedEnd, 2), Broken("nul", .unexpectedEnd, 3),
        Broken("nulx", .invalidLiteral, 0), Broken("NaN", .unexpectedByte, 0), Broken("[1,]", .unexpectedByte, 3),
        Broken("[1 2]", .expectedCommaOrEnd, 3), Broken(#"{"a" 1}"#, .expectedColon, 5),
        Broken("{1:2}", .expectedName, 1),
        Broken(#"{"a":1,}"#, .expectedName, 7), Broken(#"{"a":1"b":2}"#, .expectedCommaOrEnd, 6),
        Broken("1 2", .trailingContent, 2), Broken("01", .invalidNumber, 0), Broken("1.x", .invalidNumber, 2),
        Broken("1e", .unexpectedEnd, 2), Broken("-", .unexpectedEnd, 1), Broken("\"a\nb\"", .controlCharacter, 2),
        Broken(#""\x""#, .invalidEscape, 1), Broken(#""\u00g0""#, .invalidEscape, 1),
        Broken(#""abc"#, .unexpectedEnd, 4),
        Broken("\u{FEFF}1", .byteOrderMark, 0),
        // An overlong form, a surrogate, a scalar beyond the last, a lone continuation, a sequence cut short.
        Broken([0x22, 0xC0, 0x80, 0x22], .invalidUTF8, 1), Broken([0x22, 0xED, 0xA0, 0x80, 0x22], .invalidUTF8, 1),
        Broken([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], .invalidUTF8, 1), Broken([0x22, 0x80, 0x22], .invalidUTF8, 1),
        Broken([0x22, 0xE2, 0x82, 0x22, 0x22], .invalidUTF8, 1),
        Broken([0x22, 0xE0, 0x9F, 0xBF, 0x22], .invalidUTF8, 1),
    ])
    func refusesWhatIsNoDocument(_ broken: Broken) {
        #expect(throws: JSONDecodingError(broken.reason, at: broken.offset)) { try JSONTape(decoding: broken.bytes) }
    }

    @Test(arguments: [0, 1, 64, 128, 129, 10_000])
    func nestingIsBounded(_ depth: Int) throws {
        let text = String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth)
        if depth <= 128 {
            #expect(try JSONTape(decoding: text).nodeCount == depth + 1)
        } else {
            #expect(throws: JSONDecodingError(.tooDeep, at: 128)) { try JSONTape(decoding: text) }
        }
        if depth > 0, depth <= 64 {
            #expect(throws: JSONDecodingError(.tooDeep, at: depth - 1)) {
                try JSONTape(decoding: text, depthLimit: depth - 1)
            }
        }
    }

    @Test func everyCutAndEveryChangedByteEndsWithoutATrap() {
        let whole = Array(
            #" {"a":[1.5e3,"é\u00e9\ud83d\ude00x",{"b":null,"long name of a member":true}],"c":-0} "#.utf8)
        for end in 0..<whole.count - 1 {
            #expect(throws: JSONDecodingError.self) { try JSONTape(decoding: Array(whole[..<end])) }
        }
        for place in whole.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = whole
                changed[place] = byte
                _ = try? JSONTape(decoding: changed)
            }
        }
    }

    @Test func readsValues() throws {
        let root = try JSONTape(
            decoding: #"{"t":"a\n\"\u00e9😀","i":-42,"d":2.5e-1,"b":[true,false,null],"m":{"x":{}}}"#
        ).root
        #expect(root["t"]?.text == "a\n\"é😀")
        #expect(root["i"]?.integer == -42)
        #expect(root["i"]?.double == -42)
        #expect(root["d"]?.double == 0.25)
        #expect(root["d"]?.integer == nil)
        #expect(root["b"]?.elements.map(\.boolean) == [true, false, nil])
        #expect(root["b"]?.elements.last?.isNull == true)
        #expect(root["m"]?["x"]?.kind == .object)
        #expect(root["m"]?["y"] == nil)
        #expect(root["t"]?["x"] == nil)
        #expect(root.members.map(\.name) == ["t", "i", "d", "b", "m"])
        #expect(try JSONTape(decoding: "9223372036854775808").root.integer == nil)
        #expect(try JSONTape(decoding: "-9223372036854775808").root.integer == .min)
    }

    @Test(arguments: [
        (#""\ud800""#, "\u{FFFD}", [0xED, 0xA0, 0x80]), (#""\udc00x""#, "\u{FFFD}x", [0xED, 0xB0, 0x80, 0x78]),
        (#""\ud83d\ude00""#, "😀", [0xF0, 0x9F, 0x98, 0x80]), (#""\u0000""#, "\0", [0]),
        (#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀", [0xED, 0xA0, 0xBD, 0xF0, 0x9F, 0x98, 0x80]),
    ])
    func readsWhatUTF8CannotSay(_ source: String, _ text: String, _ bytes: [UInt8]) throws {
        let root = try JSONTape(decoding: source).root
        #expect(root.text == text)
        #expect(root.textBytes == bytes)
    }

    @Test(arguments: [
        (#"{"a":1,"b":2,"a":3}"#, ["b": 2, "a": 3]), (#"{"a":1,"\u0061":{"x":9},"a":3}"#, ["a": 3]),
        (#"{"😀":1,"\ud83d\ude00":2}"#, ["😀": 2]), (#"{"":1,"":2}"#, ["": 2]),
    ])
    func ofDuplicatesTheLastCounts(_ source: String, _ values: [String: Int64]) throws {
        let root = try JSONTape(decoding: source).root
        #expect(root.members.count == values.count)
        for (name, value) in values { #expect(root[name]?.integer == value) }
    }

    @Test func namesThatDifferInLoneSurrogatesDiffer() throws {
        let root = try JSONTape(decoding: #"{"\ud800":1,"\ud801":2,"\ud800":3}"#).root
        #expect(root.nameBytes.map(\.name) == [[0xED, 0xA0, 0x81], [0xED, 0xA0, 0x80]])
        #expect(root.nameBytes.map(\.value.integer) == [2, 3])
    }

    /// With 16 members the way of finding duplicates changes.
    @Test(arguments: [2, 15, 16, 17, 18, 100, 5000])
    func duplicatesAmongManyMembers(_ count: Int) throws {
        let names = (0..<count).map { "\"name \($0 % (count / 2 + 1))\":\($0)" }
        let root = try JSONTape(decoding: "{\(names.joined(separator: ","))}").root
        var model: [String: Int64] = [:]
        for number in 0..<count { model["name \(number % (count / 2 + 1))"] = Int64(number) }
        #expect(root.members.count == model.count)
        for (name, value) in root.members { #expect(value.integer == model[name]) }
    }

    @Test(.timeLimit(.minutes(1))) func manyMembersTakeLinearTime() throws {
        let text = "{" + (0..<300_000).map { "\"n\($0 / 2)\":0" }.joined(separator: ",") + "}"
        #expect(try JSONTape(decoding: text).root.members.count == 150_000)
    }

    /// Documents of nothing but small values need more nodes than the room that is made for usual ones.
    @Test func denseDocuments() throws {
        let tape = try JSONTape(decoding: "[" + String(repeating: "1,", count: 100_000) + "2]")
        #expect(tape.nodeCount == 100_002)
        #expect(tape.root.elements.last?.integer == 2)
    }

    @Test func errorsSayNothingOfTheContent() {
        let error = #expect(throws: JSONDecodingError.self) { try JSONTape(decoding: #"{"secret":"x"#) }
        #expect(error?.description == "not JSON: the document ends too early, at byte 12")
    }
}
