import Flattening
import PipelineCore
import Testing

/// The allow list: what it doesn't name stands nowhere.
@Suite struct KeepTests {
    static func keep(_ paths: [[String]]) throws -> any Transform {
        try TransformTests.make(KeepTransform.self, ["paths": .list(paths.map { .fieldPath($0) })])
    }

    /// What is left of an endpoint, as JSON with the members in the answer's order.
    private static func left(_ endpoint: String, _ paths: [[String]]) throws -> String {
        let record = try answer("{\"Item\":[\(endpoint)]}", user: "u")
        guard case .found(var endpoints) = record.outcome else { return "" }
        try keep(paths).apply(to: &endpoints)
        return endpoints.endpoints.map(text).joined(separator: ",")
    }

    private static func text(_ node: JSONNode) -> String {
        switch node.kind {
        case .object: "{" + node.members.map { "\($0.name):\(text($0.value))" }.joined(separator: ",") + "}"
        case .array: "[" + node.elements.map(text).joined(separator: ",") + "]"
        case .string: node.text ?? ""
        case .number: node.numberText
        case .null: "null"
        case .true: "true"
        case .false: "false"
        }
    }

    static let full = """
        {"Id":"e","ApplicationId":"app","Address":"jane@example.com","ChannelType":"EMAIL","New":{"Name":"Jane"},
        "EffectiveDate":"2026-01-02T03:04:05.678Z","CreationDate":"2026-01-01T00:00:00.000Z","RequestId":"r",
        "Location":{"City":"Köln","Country":"DE","Street":"s"},"Demographic":{"Make":"m"},"Metrics":{"age":39},
        "Attributes":{"plan":["gold"],"name":["Jane"]},"User":{"UserId":"u","Mail":"x","UserAttributes":{"tier":["1"],"n":["J"]}}}
        """

    @Test(
        arguments: [
            ([["ChannelType"]], "ChannelType:EMAIL,EffectiveDate:2026-01-02T03:04:05.678Z,User:{UserId:u}"),
            (
                [["Location", "Country"], ["Attributes", "plan"]],
                "EffectiveDate:2026-01-02T03:04:05.678Z,Location:{Country:DE},Attributes:{plan:[gold]},User:{UserId:u}"
            ),
            (
                [["User", "UserAttributes", "tier"], ["Metrics", "*"]],
                "EffectiveDate:2026-01-02T03:04:05.678Z,Metrics:{age:39},User:{UserId:u,UserAttributes:{tier:[1]}}"
            ),
            (
                [["Location"], ["*", "Make"]],
                "EffectiveDate:2026-01-02T03:04:05.678Z,Location:{City:Köln,Country:DE,Street:s},Demographic:{Make:m},"
                    + "User:{UserId:u}"
            ),
            ([["Demographic", "Locale"]], "EffectiveDate:2026-01-02T03:04:05.678Z,User:{UserId:u}"),
        ] as [([[String]], String)])
    func keepsWhatIsNamed(_ paths: [[String]], _ rest: String) throws {
        #expect(try Self.left(Self.full, paths) == "{Id:e,ApplicationId:app,\(rest)}")
    }

    /// Nothing slips through in another one's place.
    @Test(
        arguments: [
            (#"{"Id":"e","Location":"Jane","Attributes":null,"Demographic":["Jane"]}"#, "{Id:e}"),
            (#"{"Id":"e","ChannelType":{"Name":"Jane"},"Address":"x"}"#, "{Id:e}"),
            (#"{"Id":"e","ChannelType":["A",["B",{"Name":"Jane"}]]}"#, "{Id:e}"),
            (#"{"Id":"e","ChannelType":["A","B"]}"#, "{Id:e,ChannelType:[A,B]}"),
            (#"{"Id":"e","ChannelType":null,"Address":null,"Location":{}}"#, "{Id:e,ChannelType:null}"),
            (#"{"Id":"e","Attributes":{"plan":{"Name":"Jane"}}}"#, "{Id:e}"),
            (#"{"Id":"e","Attributes":{"plan":5,"Plan":["Jane"]}}"#, "{Id:e,Attributes:{plan:5}}"),
            (#"{"Id":"e","User":"Jane"}"#, "{Id:e}"), (#"{"Id":"e","User":{"UserId":{"Name":"Jane"}}}"#, "{Id:e}"),
            (#"{"Id":"e","ApplicationId":{"Name":"Jane"}}"#, "{Id:e}"),
            (#"{"Id":"e","EffectiveDate":"Jane"}"#, "{Id:e}"), (#"{"Id":"e","EffectiveDate":["Jane"]}"#, "{Id:e}"),
            (
                #"{"Id":"e","EffectiveDate":"2026-01-02 03:04:05+01:00"}"#,
                "{Id:e,EffectiveDate:2026-01-02 03:04:05+01:00}"
            ),
            // Of a name that stands twice the last one counts, however it is spelled.
            (#"{"Id":"e","ChannelType":"Jane","ChannelType":"SMS"}"#, "{Id:e,ChannelType:SMS}"),
            (#"{"Id":"e","ChannelType":"SMS","Channel\u0054ype":{"Name":"Jane"}}"#, "{Id:e}"),
            (
                #"{"Id":"e","Location":{"Country":"Jane"},"Location":{"Country":"DE","City":"x"}}"#,
                "{Id:e,Location:{Country:DE}}"
            ),
            (#"{"Id":"e","Loc\u0061tion":{"\u0043ountry":"DE"}}"#, "{Id:e,Location:{Country:DE}}"),
            (#"{"Id":"e","channeltype":"Jane","ChannelType ":"Jane","":"Jane"}"#, "{Id:e}"),
            (#"{"Id":"e","Attributes":{"\ud800":["Jane"],"a\u0000":["Jane"]}}"#, "{Id:e}"),
            (#"{"Id":"e","Location":{"Country":{"Country":"Jane"}}}"#, "{Id:e}"),
        ])
    func nothingSlipsThrough(_ endpoint: String, _ left: String) throws {
        let paths = [["ChannelType"], ["Location", "Country"], ["Attributes", "plan"], ["Attributes", "\u{FFFD}"]]
        #expect(try Self.left(endpoint, paths) == left)
    }

    @Test func rowsAndExtraHaveNothingElse() throws {
        let members = String(Self.full.dropFirst(#"{"Id":"e","#.count).dropLast())
        let batch = try TransformTests.batch(members, [try Self.keep([["ChannelType"]])])
        let row = try #require(batch["endpoints"].first)
        #expect(row["extra"] == .json("{}"))
        #expect(row["channel_type"] == .text("EMAIL") && row["effective_date"] != .null)
        #expect(
            [row["address"], row["location_city"], row["request_id"], row["creation_date"]].allSatisfy { $0 == .null })
        for part in ["endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes"] {
            #expect(batch[part].isEmpty)
        }
        #expect(try Self.keep([["ChannelType"]]).hidesValues)
    }

    @Test func masksWhatIsLeft() throws {
        let chain = [try Self.keep([["Address"]]), try TransformTests.mask([["Address"]], key: nil)]
        let batch = try TransformTests.batch(#""Address":"a","RequestId":"r""#, chain)
        #expect(batch["endpoints"].map { [$0["address"], $0["request_id"]] } == [[.text("***"), .null]])
    }

    @Test(arguments: [(["Adress"], "an endpoint has no 'Adress'"), (["Address", "x"], "Address has no members")])
    func refuses(_ path: [String], _ message: String) {
        let error = #expect(throws: OptionError.self) { try Self.keep([["Address"], path]) }
        #expect(error?.path == ["paths", "1"])
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    // MARK: What a run goes by

    @Test(
        arguments: [
            (["EffectiveDate"], true), (["*"], true), (["CreationDate"], false),
            (["User", "UserAttributes", "*"], false),
        ] as [([String], Bool)])
    func neededMembersCantBeHidden(_ path: [String], _ isRefused: Bool) throws {
        var context = PluginContext(
            pipeline: "p", name: "t", stateDirectory: "/", environment: [:], version: "1", warn: { _ in })
        context.neededMembers = [["EffectiveDate"]]
        let paths = OptionValue.list([.fieldPath(["Address"]), .fieldPath(path)])
        let key = OptionValue.secret(Secret(TransformTests.key))
        let makers: [() throws -> any Sendable] = [
            {
                try MaskTransform.make(
                    Options(["paths": paths, "with": .text("hmac-sha256"), "key": key]), context)
            },
            { try DropTransform.make(Options(["paths": paths]), context) },
        ]
        for make in makers {
            if isRefused {
                let error = #expect(throws: OptionError.self) { try make() }
                #expect(error?.path == ["paths", "1"])
            } else {
                _ = try make()
            }
        }
    }
}
