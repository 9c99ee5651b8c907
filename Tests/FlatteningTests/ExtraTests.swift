import PipelineCore
import Testing

@Suite struct ExtraTests {
    @Test(arguments: [
        // What the model doesn't know, nested as it was.
        (#""New":{"a":[1,"é",null]}"#, #"{"New":{"a":[1,"é",null]}}"#),
        (
            #""Location":{"City":"c","Planet":"Mars"},"User":{"Age":5}"#,
            #"{"Location":{"Planet":"Mars"},"User":{"Age":5}}"#
        ),
        // Nulls, empty lists and maps.
        (#""Address":null,"Attributes":{},"User":{}"#, #"{"Address":null,"Attributes":{},"User":{}}"#),
        (#""Attributes":{"a":[],"b":null,"c":["x"]}"#, #"{"Attributes":{"a":[],"b":null}}"#),
        (#""User":{"UserAttributes":{},"UserId":null}"#, #"{"User":{"UserAttributes":{},"UserId":null}}"#),
        // Lists with other things, values of other types.
        (#""Attributes":{"a":["x",1,null,["y"]]}"#, #"{"Attributes":{"a":["x",1,null,["y"]]}}"#),
        (#""Attributes":{"a":"x"},"Metrics":{"m":"6"}"#, #"{"Attributes":{"a":"x"},"Metrics":{"m":"6"}}"#),
        (#""Address":5,"Location":[],"OptOut":true"#, #"{"Address":5,"Location":[],"OptOut":true}"#),
        // Dates.
        (#""CreationDate":"2018-05-01T17:31:01Z""#, #"{"CreationDate":"2018-05-01T17:31:01Z"}"#),
        (#""CreationDate":"soon""#, #"{"CreationDate":"soon"}"#), (#""CreationDate":"2018-05-01T17:31:01.046Z""#, "{}"),
        // Numbers.
        (#""Metrics":{"a":6,"b":6.0,"c":0.1,"d":1e23,"e":-0.0}"#, "{}"),
        (#""Metrics":{"a":12345678901234567890,"b":1e309}"#, #"{"Metrics":{"a":12345678901234567890,"b":1e309}}"#),
        (#""Metrics":{"a":1e999999}"#, #"{"Metrics":{"a":{"$json":"1e999999"}}}"#),
        (
            #""Location":{"Latitude":0.1000000000000000055511151231257827}"#,
            #"{"Location":{"Latitude":0.1000000000000000055511151231257827}}"#
        ),
        // Texts that can't be stored.
        (#""Address":"é\u0000""#, #"{"Address":{"$json":"\"\\u00e9\\u0000\""}}"#),
        (#""New":["\ud800","😀","a"]"#, #"{"New":[{"$json":"\"\\ud800\""},"😀","a"]}"#),
        (
            #""Attributes":{"a":["ok","\u0000😀"]}"#,
            #"{"Attributes":{"a":["ok",{"$json":"\"\\u0000\\ud83d\\ude00\""}]}}"#
        ),
        // Names that can't be stored, and the name that stands for them.
        (
            #""Attributes":{"x\u0000":["v"],"ok":["w"],"z":[]}"#,
            #"{"Attributes":{"$json":"{\"x\\u0000\":[\"v\"],\"z\":[]}"}}"#
        ),
        (
            #""New":{"$json":"x","é":[ 1 , "ü" ]}"#,
            #"{"New":{"$json":"{\"$json\":\"x\",\"\\u00e9\":[1,\"\\u00fc\"]}"}}"#
        ),
        (
            #""\u0000":1,"Location":{"Planet":"\ud800"}"#,
            #"{"$json":"{\"\\u0000\":1,\"Location\":{\"Planet\":\"\\ud800\"}}"}"#
        ),
        // The user and the application are those asked for.
        (#""ApplicationId":"app","User":{"UserId":"u"}"#, "{}"),
        (#""ApplicationId":"\u0061pp","User":{"UserId":"\u0075"}"#, "{}"),
        (#""ApplicationId":"b","User":{"UserId":"v"}"#, #"{"ApplicationId":"b","User":{"UserId":"v"}}"#),
        (#""ApplicationId":5,"User":{"UserId":6}"#, #"{"ApplicationId":5,"User":{"UserId":6}}"#),
        // However it was spelled, what is the same is written in one way.
        (
            #""New":"\u65e5\/\u0041\u0022\u005c\u000A\u000d\u0009\u0008\b\u007f""#,
            #"{"New":"日/A\"\\\n\r\t\u0008\u0008\#u{7f}"}"#
        ),
        (#""N\u00e9w":["\ud83d\ude00"]"#, #"{"Néw":["😀"]}"#),
        (
            #""New":"\u0061\u0000\u65E5\ud83d\ude00\/\u000a""#,
            #"{"New":{"$json":"\"a\\u0000\\u65e5\\ud83d\\ude00/\\n\""}}"#
        ),
        (#""New": 1.50E+02"#, #"{"New":1.50E+02}"#),
        // Of duplicates the last counts, whole.
        (#""New":1,"Location":{"Planet":1},"New":2,"Location":{"City":"c"}"#, #"{"New":2}"#),
    ])
    func holdsWhatColumnsCannot(_ members: String, _ extra: String) throws {
        let batch = FlattenedBatch([try answer("{\"Item\":[{\"Id\":\"e\",\(members)}]}")])
        #expect(batch["endpoints"].map { $0["extra"] } == [.json(extra)])
        #expect(batch["failures"].isEmpty)
    }

    @Test(
        arguments: [
            ("2018-05-01T17:31:01.046Z", "2018-05-01T17:31:01.046Z"),
            ("2018-05-01T17:31:01Z", "2018-05-01T17:31:01.000Z"),
            ("2018-05-01T17:31:01.0469+02:00", "2018-05-01T15:31:01.046Z"),
            ("2018-05-01 23:31z", "2018-05-01T23:31:00.000Z"),
            ("2020-02-29T00:00:00,5-0530", "2020-02-29T05:30:00.500Z"),
            ("2018-12-31T23:00:00.000-01", "2019-01-01T00:00:00.000Z"),
            ("2019-02-29T00:00:00.000Z", nil), ("2018-05-01T17:31:01.046", nil), ("2018-05-01", nil), ("", nil),
            ("2018-12-31T23:59:60.000Z", nil), ("0000-01-01T00:00:00.000Z", nil), ("2018-05-01T17:31:01.046Z\n", nil),
            ("0001-01-01T00:00:00.000+00:01", nil), ("9999-12-31T23:59:00.000-00:01", nil),
        ] as [(String, String?)])
    func datesAreReadIntoOneForm(_ text: String, _ time: String?) throws {
        var writer = JSONWriter()
        writer.value(text)
        let batch = FlattenedBatch([try answer("{\"Item\":[{\"Id\":\"e\",\"EffectiveDate\":\(writer.text)}]}")])
        let row = try #require(batch["endpoints"].first)
        #expect(row["effective_date"] == time.map { .time($0) } ?? .null)
        #expect(row["extra"] == .json(text == time ? "{}" : "{\"EffectiveDate\":\(writer.text)}"))
    }

    @Test func partsStandBesideTheirList() throws {
        let batch = FlattenedBatch([
            try answer(
                #"{"Item":[{"Id":"e","Attributes":{"a":[null,"x",5,"y\u0000"]},"Metrics":{"m":1e400,"n":1e-400}}]}"#)
        ])
        #expect(
            batch["endpoint_attributes"].map { [$0["position"], $0["value"]] } == [
                [.integer(1), .text("x")], [.integer(3), .text("y\u{FFFD}")],
            ])
        #expect(batch["endpoint_metrics"].map { [$0["name"], $0["value"]] } == [[.text("n"), .number(0)]])
    }

    @Test func knownNamesMayBeSpelledWithEscapes() throws {
        let batch = FlattenedBatch([try answer(#"{"Item":[{"\u0049d":"e","Addres\u0073":"a","A\u0000":1}]}"#)])
        #expect(batch["endpoints"].map { $0["address"] } == [.text("a")])
    }
}
