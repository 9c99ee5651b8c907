import Flattening
import PipelineCore
import PipelineTesting
import Testing

@Suite struct TransformTests {
    static let key = "0123456789abcdef"

    static func make<P: Plugin>(_ plugin: P.Type, _ options: [String: OptionValue]) throws -> any Transform {
        let context = PluginContext(
            pipeline: "p", name: "t", stateDirectory: "/", environment: [:], version: "1", warn: { _ in })
        return try #require(try plugin.make(Options(options), context) as? any Transform)
    }

    static func mask(_ paths: [[String]], key: String? = Self.key) throws -> any Transform {
        var options: [String: OptionValue] = [
            "paths": .list(paths.map { .fieldPath($0) }), "with": .text(key == nil ? "redact" : "hmac-sha256"),
        ]
        if let key { options["key"] = .secret(Secret(key)) }
        return try make(MaskTransform.self, options)
    }

    static func drop(_ paths: [[String]]) throws -> any Transform {
        try make(DropTransform.self, ["paths": .list(paths.map { .fieldPath($0) })])
    }

    static func filter(_ path: [String], _ test: String, _ value: OptionValue) throws -> any Transform {
        try make(FilterTransform.self, ["path": .fieldPath(path), test: value])
    }

    /// What an endpoint with these members becomes: its row and the rows of its parts.
    static func batch(
        _ members: String, _ transforms: [any Transform], user: String? = "u", layout: Layout = .normalized()
    ) throws -> FlattenedBatch {
        var record = try answer("{\"Item\":[{\"Id\":\"e\",\(members)}]}", user: user)
        guard case .found(var endpoints) = record.outcome else { throw OptionError("", "") }
        for transform in transforms { try transform.apply(to: &endpoints) }
        record.outcome = .found(endpoints)
        var builder = BatchBuilder(layout: layout, run: FlattenedBatch.run)
        builder.append(record)
        return FlattenedBatch(&builder)
    }

    private static func hmac(_ text: String) -> String? {
        try? mask([["User", "UserId"]]).idMask(for: .user)?(text)
    }

    // MARK: Masking

    /// RFC 4231, test case 1.
    @Test(arguments: [
        (
            String(repeating: "\u{0b}", count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        // openssl dgst -sha256 -hmac 0123456789abcdef
        (
            "0123456789abcdef", "jane@example.com", "a7a54661c75bce906717ca553fdff1b9e2c578d8c764c8e7d23ff39b7b5096b1"
        ),
    ])
    func hmacIsThePublishedOne(_ key: String, _ text: String, _ digest: String) throws {
        let idMask = try #require(try Self.mask([["User", "UserId"]], key: key).idMask(for: .user))
        #expect(idMask(text) == digest)
    }

    @Test func masksEachElementAndKeepsThePlaces() throws {
        let mask = try Self.mask([["Address"], ["Attributes", "e.mail"], ["Metrics", "*"], ["Location"]])
        let batch = try Self.batch(
            #""Address":"a","Attributes":{"e.mail":["x",null,"y"],"plan":["p"]},"Metrics":{"m":6},"Location":{"City":"c"}"#,
            [mask])
        let row = try #require(batch["endpoints"].first)
        #expect(row["address"] == Self.hmac("a").map { .text($0) })
        #expect(
            batch["endpoint_attributes"].map { [$0["name"], $0["position"], $0["value"]] } == [
                [.text("e.mail"), .integer(0), Self.hmac("x").map { .text($0) }],
                [.text("e.mail"), .integer(2), Self.hmac("y").map { .text($0) }],
                [.text("plan"), .integer(0), .text("p")],
            ])
        #expect(batch["endpoint_metrics"].isEmpty)
        #expect(row["location_city"] == .null)
        let (x, y, m, l) = (
            Self.hmac("x") ?? "", Self.hmac("y") ?? "", Self.hmac("6") ?? "", Self.hmac(#"{"City":"c"}"#) ?? ""
        )
        #expect(
            row["extra"]
                == .json(
                    #"{"Attributes":{"e.mail":["\#(x)",null,"\#(y)"]},"Metrics":{"m":"\#(m)"},"Location":"\#(l)"}"#))
    }

    @Test func redactsToTheSameText() throws {
        let mask = try Self.mask([["Address"], ["User", "UserAttributes", "*"]], key: nil)
        let batch = try Self.batch(
            #""Address":"a","User":{"UserAttributes":{"t":["x","y"],"u":null}}"#, [mask])
        #expect(batch["endpoints"].map { $0["address"] } == [.text("***")])
        #expect(batch["endpoint_user_attributes"].map { $0["value"] } == [.text("***"), .text("***")])
        #expect(batch["endpoints"].map { $0["extra"] } == [.json(#"{"User":{"UserAttributes":{"u":null}}}"#)])
    }

    @Test func masksIDs() throws {
        let mask = try Self.mask([["Id"], ["User", "*"], ["ApplicationId"]])
        let masked = try Self.batch(#""ApplicationId":"app","User":{"UserId":"v"}"#, [mask], user: nil)
        let row = try #require(masked["endpoints"].first)
        #expect(row["endpoint_id"] == Self.hmac("e").map { .text($0) })
        #expect(row["user_id"] == Self.hmac("v").map { .text($0) })
        #expect(mask.idMask(for: .application)?("app") == Self.hmac("app"))
        #expect(try Self.mask([["Id"]]).idMask(for: .user) == nil)
        #expect(try Self.mask([["Address"]], key: nil).idMask(for: .user) == nil)
    }

    // MARK: Dropping

    @Test func dropsMembersAtAnyDepth() throws {
        let drop = try Self.drop([
            ["Location"], ["User", "UserAttributes", "*"], ["Attributes", "plan"], ["Metrics", "m"],
        ])
        let batch = try Self.batch(
            #""Location":{"City":"c","New":1},"User":{"UserAttributes":{"a":["x"]}},"Attributes":{"plan":["p"],"o":["q"]}"#,
            [drop])
        #expect(batch["endpoints"].map { $0["location_city"] } == [.null])
        #expect(batch["endpoint_attributes"].map { $0["value"] } == [.text("q")])
        #expect(batch["endpoint_user_attributes"].isEmpty)
        // The map is there, with nothing in it.
        #expect(batch["endpoints"].map { $0["extra"] } == [.json(#"{"User":{"UserAttributes":{}}}"#)])
    }

    // MARK: Filtering

    @Test(
        arguments: [
            (["ChannelType"], "in", ["EMAIL", "SMS"], true), (["ChannelType"], "in", ["SMS"], false),
            (["ChannelType"], "not_in", ["SMS"], true), (["ChannelType"], "not_in", ["EMAIL"], false),
            (["OptOut"], "in", ["ALL"], false), (["OptOut"], "not_in", ["ALL"], true),
            (["Attributes", "a.b"], "in", ["y"], true),
            (["Attributes", "a.b"], "not_in", ["y", "z"], false), (["Attributes", "*"], "in", ["w"], true),
            (["Metrics", "m"], "in", ["6.0"], true), (["Metrics", "m"], "in", ["6"], false),
            (["Address"], "in", ["e\u{301}"], true), (["Address"], "in", ["\u{e9}"], false),
        ] as [([String], String, [String], Bool)])
    func filtersByValue(_ path: [String], _ test: String, _ values: [String], _ isKept: Bool) throws {
        let filter = try Self.filter(path, test, .list(values.map { .text($0) }))
        #expect(try Self.kept(filter) == isKept)
    }

    @Test(
        arguments: [
            (["Address"], false), (["OptOut"], true), (["RequestId"], true), (["Attributes", "none"], true),
            (["Attributes", "a.b"], false), (["Location"], true), (["Metrics", "*"], false),
            (["Attributes", "empty"], true),
        ] as [([String], Bool)])
    func filtersByNull(_ path: [String], _ isNull: Bool) throws {
        #expect(try Self.kept(Self.filter(path, "null", .boolean(true))) == isNull)
        #expect(try Self.kept(Self.filter(path, "null", .boolean(false))) != isNull)
    }

    private static func kept(_ filter: any Transform) throws -> Bool {
        let batch = try batch(
            #""ChannelType":"EMAIL","Address":"e\u0301","OptOut":null,"Attributes":{"a.b":["x","y"],"c":["w"],"empty":[null]},"#
                + #""Metrics":{"m":6.0},"Location":{}"#, [filter])
        #expect(batch.counts.endpoints + batch.counts.filtered == 1)
        #expect(batch["users"].map { $0["endpoint_count"] } == [.integer(Int64(batch.counts.endpoints))])
        return batch.counts.endpoints == 1
    }

    @Test func anArchivesFilteredEndpointIsWithdrawn() throws {
        let filter = try Self.filter(["EndpointStatus"], "in", .list([.text("ACTIVE")]))
        let mask = try Self.mask([["Id"]])
        let lines = [
            #"{"Id":"a","ApplicationId":"p","EndpointStatus":"INACTIVE","EffectiveDate":"2026-01-02T03:04:05+01:00"}"#,
            #"{"Id":"b","ApplicationId":"p","EndpointStatus":"ACTIVE"}"#, #"{"Id":"c","ApplicationId":"p"}"#,
            #"{"Id":5}"#,
        ]
        var builder = BatchBuilder(layout: .normalized(), run: FlattenedBatch.run)
        for (ordinal, line) in lines.enumerated() {
            var record = try answer(line, ordinal: ordinal, user: nil, application: nil)
            guard case .found(var endpoints) = record.outcome else { continue }
            try filter.apply(to: &endpoints)
            try mask.apply(to: &endpoints)
            record.outcome = .found(endpoints)
            builder.append(record)
        }
        var rows: [[RowView.Value]] = []
        builder.finishTombstones().forEachRow { row in rows.append((0..<4).map { row[$0] }) }
        let a = try #require(Self.hmac("a"))
        let c = try #require(Self.hmac("c"))
        #expect(
            rows == [
                [.text("p"), .text(a), .time("2026-01-02T02:04:05.000Z"), .integer(0)],
                [.text("p"), .text(c), .null, .integer(2)],
            ])
        let batch = FlattenedBatch(&builder)
        #expect((batch.counts.found, batch.counts.endpoints, batch.counts.filtered) == (4, 1, 3))
        #expect(builder.finishTombstones().isEmpty)
    }

    // MARK: Options

    @Test(arguments: [
        (["Adress"], "an endpoint has no 'Adress' (did you mean 'Address'?)"),
        (["Address", "x"], "Address has no members"),
        (["Attributes", "a", "b"], "Attributes.a has no members"), (["Location", "Town"], "Location has no 'Town'"),
        (["User", "Name"], "User has no 'Name'"), (["*", "x", "y", "z"], "no member has such members"),
        (["Id"], "an ID can't be dropped"), (["User", "UserId"], "an ID can't be dropped"),
        (["User"], "holds User.UserId"),
        (["*"], "an ID can't be dropped"), (["User", "*"], "an ID can't be dropped"),
    ])
    func dropRefuses(_ path: [String], _ message: String) throws {
        let error = #expect(throws: OptionError.self) { try Self.drop([["Address"], path]) }
        #expect(error?.path == ["paths", "1"])
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test(
        arguments: [
            (["Id"], nil, "takes hmac-sha256 only"), (["*"], Self.key, "as a whole"),
            (["User", "*"], nil, "takes hmac-sha256 only"),
            (["User"], Self.key, "as a whole"), (["ApplicationId"], nil, "takes hmac-sha256 only"),
            (["Nothing"], Self.key, "an endpoint has no 'Nothing' (it has Address, "),
        ] as [([String], String?, String)])
    func maskRefuses(_ path: [String], _ key: String?, _ message: String) throws {
        let error = #expect(throws: OptionError.self) { try Self.mask([path], key: key) }
        #expect(error?.path == ["paths", "0"])
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func keysAreLong() throws {
        let error = #expect(throws: OptionError.self) { try Self.mask([["Address"]], key: "0123456789abcde") }
        #expect(error?.path == ["key"])
        #expect(error?.message.contains("0123456789") == false)
    }

    @Test func filtersNeedACondition() throws {
        #expect(throws: OptionError("path", "needs 'in', 'not_in' or 'null' beside it")) {
            try Self.make(FilterTransform.self, ["path": .fieldPath(["Address"])])
        }
        #expect(throws: OptionError("null", "needs a 'path'")) {
            try Self.make(FilterTransform.self, ["null": .boolean(true)])
        }
        let error = #expect(throws: OptionError.self) {
            try Self.make(
                FilterTransform.self, ["where": .map([(key: "ChanelType", value: .list([.text("SMS")]))])])
        }
        #expect(error?.path == ["where", "ChanelType"])
        #expect(error?.isAboutKey == true)
    }

    // MARK: Purity

    private static let all: [@Sendable () throws -> any Transform] = [
        { try filter(["EndpointStatus"], "not_in", .list([.text("INACTIVE")])) },
        { try filter(["Attributes", "plan"], "in", .list([.text("gold")])) },
        { try filter(["Address"], "null", .boolean(false)) },
        {
            try mask([
                ["Address"], ["Id"], ["User", "UserId"], ["ApplicationId"], ["Attributes", "*"], ["Metrics", "*"],
            ])
        },
        { try mask([["Address"], ["Attributes"], ["Location", "*"]], key: nil) },
        { try drop([["Location"], ["User", "UserAttributes", "*"], ["Attributes", "e.mail"]]) },
        {
            try KeepTests.keep([
                ["Address"], ["Location", "City"], ["Attributes", "*"], ["User", "UserAttributes", "tier"],
            ])
        },
    ]

    @Test(arguments: all.indices, TransformConformance.Check.allCases)
    func conforms(_ index: Int, _ check: TransformConformance.Check) async throws {
        try await TransformConformance(Self.all[index]()).run(check)
    }

    /// The suite finds what isn't pure.
    @Test func theSuiteFindsFaults() async throws {
        final class Count: Sendable {
            nonisolated(unsafe) var value = 0
        }
        struct Counting: Transform {
            let count = Count()
            func apply(to endpoints: inout EndpointTape) {
                count.value += 1
                for index in endpoints.indexes {
                    for value in endpoints.tape.indexes(at: [.name("Id")], below: index) {
                        endpoints.tape.replace(value, with: "\(count.value)")
                    }
                }
            }
        }
        struct OnlyTheFirst: Transform {
            func apply(to endpoints: inout EndpointTape) {
                for index in endpoints.indexes.dropFirst() { endpoints.drop(index) }
            }
        }
        struct OtherDisguise: Transform {
            func apply(to endpoints: inout EndpointTape) {}
            func idMask(for id: RecordID) -> (@Sendable (String) -> String)? { { $0.uppercased() } }
        }
        await #expect(throws: TransformConformance.Violation.self) {
            try await TransformConformance(Counting()).run(.givesTheSameAgain)
        }
        await #expect(throws: TransformConformance.Violation.self) {
            try await TransformConformance(Counting()).run(.remembersNothing)
        }
        await #expect(throws: TransformConformance.Violation.self) {
            try await TransformConformance(OnlyTheFirst()).run(.seesOneEndpoint)
        }
        await #expect(throws: TransformConformance.Violation.self) {
            try await TransformConformance(OtherDisguise()).run(.disguisesAsItEdits)
        }
    }
}
