import Flattening
import PipelineCore
import Testing

@Suite struct BatchBuilderTests {
    @Test func anEndpointFillsItsTables() throws {
        let batch = FlattenedBatch([
            try answer(
                """
                {"Item":[{"Id":"e1","Address":"a@b.example","ChannelType":"EMAIL","CohortId":"39","ApplicationId":"app",
                "CreationDate":"2018-05-01T17:31:01.046Z","EffectiveDate":"2019-01-02T03:04:05.678Z","EndpointStatus":"ACTIVE",
                "OptOut":"NONE","RequestId":"r","Demographic":{"AppVersion":"1","Locale":"es_419","Make":"m","Model":"o",
                "ModelVersion":"2","Platform":"p","PlatformVersion":"3","Timezone":"z"},"Location":{"City":"c","Country":"DEU",
                "Latitude":52.5,"Longitude":-13.25,"PostalCode":"10115","Region":"BE"},"Attributes":{"i":["x","y"],"n":["z"]},
                "Metrics":{"m":6,"k":0.5},"User":{"UserAttributes":{"t":["gold"]},"UserId":"u"}}]}
                """, ordinal: 4)
        ])
        let row = try #require(batch["endpoints"].first)
        let expected: [String: RowView.Value] = [
            "application_id": .text("app"), "endpoint_id": .text("e1"), "user_id": .text("u"),
            "address": .text("a@b.example"), "channel_type": .text("EMAIL"), "cohort_id": .text("39"),
            "creation_date": .time("2018-05-01T17:31:01.046Z"), "effective_date": .time("2019-01-02T03:04:05.678Z"),
            "endpoint_status": .text("ACTIVE"), "opt_out": .text("NONE"), "request_id": .text("r"),
            "demographic_app_version": .text("1"), "demographic_locale": .text("es_419"),
            "demographic_make": .text("m"),
            "demographic_model": .text("o"), "demographic_model_version": .text("2"),
            "demographic_platform": .text("p"),
            "demographic_platform_version": .text("3"), "demographic_timezone": .text("z"), "location_city": .text("c"),
            "location_country": .text("DEU"), "location_latitude": .number(52.5), "location_longitude": .number(-13.25),
            "location_postal_code": .text("10115"), "location_region": .text("BE"), "extra": .json("{}"),
            "ordinal": .integer(4), "run_id": .text("run-1"), "logical_date": .time("2026-11-23T00:00:00.000Z"),
        ]
        #expect(row == expected)
        #expect(
            batch["endpoint_attributes"].map { [$0["name"], $0["position"], $0["value"]] } == [
                [.text("i"), .integer(0), .text("x")], [.text("i"), .integer(1), .text("y")],
                [.text("n"), .integer(0), .text("z")],
            ])
        #expect(
            batch["endpoint_metrics"].map { [$0["name"], $0["value"]] } == [
                [.text("m"), .number(6)], [.text("k"), .number(0.5)],
            ])
        #expect(
            batch["endpoint_user_attributes"] == [
                [
                    "application_id": .text("app"), "endpoint_id": .text("e1"), "user_id": .text("u"),
                    "name": .text("t"),
                    "position": .integer(0), "value": .text("gold"),
                ]
            ])
        #expect(
            batch["users"] == [
                [
                    "application_id": .text("app"), "user_id": .text("u"), "status": .text("found"),
                    "endpoint_count": .integer(1), "ordinal": .integer(4), "run_id": .text("run-1"),
                    "logical_date": .time("2026-11-23T00:00:00.000Z"),
                ]
            ])
        #expect(batch.counts.found == 1)
        #expect(batch.counts.endpoints == 1)
        #expect(
            batch.counts.rows == [
                "users": 1, "endpoints": 1, "endpoint_attributes": 3, "endpoint_metrics": 2,
                "endpoint_user_attributes": 1,
            ])
    }

    @Test func columnOrder() {
        let tables = Layout.normalized().tables
        #expect(
            tables.map(\.name) == [
                "users", "endpoints", "endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes", "failures",
            ])
        #expect(
            tables[1].columns.map(\.name).joined(separator: " ") == """
                application_id endpoint_id user_id address channel_type cohort_id creation_date effective_date \
                endpoint_status opt_out request_id demographic_app_version demographic_locale demographic_make \
                demographic_model demographic_model_version demographic_platform demographic_platform_version \
                demographic_timezone location_city location_country location_latitude location_longitude \
                location_postal_code location_region extra ordinal run_id logical_date
                """)
        #expect(tables[0].key == ["application_id", "user_id"])
        let appended = Layout.normalized(mode: .append).tables
        for (table, plain) in zip(appended, tables) {
            #expect(table.key.first == "run_id")
            #expect(table.columns.filter { $0.name == "run_id" }.count == 1)
            if table.role == .endpointParts {
                #expect(table.columns == plain.columns + [Column("run_id", .text)])
            } else {
                #expect(table.columns == plain.columns)
            }
        }
    }

    @Test func appendPutsTheRunIntoEachPart() throws {
        let batch = FlattenedBatch(
            [
                try answer(
                    #"{"Item":[{"Id":"e","Attributes":{"a":["x"]},"Metrics":{"m":1},"User":{"UserAttributes":{"b":["y"]}}}]}"#
                )
            ], mode: .append)
        for table in ["endpoint_attributes", "endpoint_metrics", "endpoint_user_attributes"] {
            #expect(batch[table].map { $0["run_id"] } == [.text("run-1")])
            #expect(batch.columns[table]?.last == "run_id")
        }
    }

    @Test func failuresAreRows() {
        let raw: [UInt8] = [0x61, 0xFF, 0x62]
        let batch = FlattenedBatch([
            record(
                .failed(
                    RecordFailure(status: 400, code: "BadRequestException", message: "no", requestID: "q", attempts: 3)),
                ordinal: 1, user: "jane", origin: RecordOrigin(file: "users.csv", line: 12)),
            record(.failed(RecordFailure(code: "InvalidEncoding", message: "m\0", raw: raw)), ordinal: 2, user: nil),
            record(
                .failed(RecordFailure(code: "MissingField", message: "m", raw: Array("a,b".utf8))), ordinal: 3,
                user: nil),
            record(.failed(RecordFailure(code: "X", message: "m", raw: [0x61, 0])), ordinal: 4, user: nil),
        ])
        #expect(
            batch["failures"].first == [
                "run_id": .text("run-1"), "shard": .integer(2), "ordinal": .integer(1),
                "source_file": .text("users.csv"),
                "line": .integer(12), "user_id": .text("jane"), "raw": .null, "status": .integer(400),
                "code": .text("BadRequestException"), "message": .text("no"), "request_id": .text("q"),
                "attempts": .integer(3), "logical_date": .time("2026-11-23T00:00:00.000Z"),
            ])
        #expect(batch["failures"].map { $0["raw"] } == [.null, .text("Yf9i"), .text("a,b"), .text("YQA=")])
        #expect(batch["failures"][1]["line"] == .null)
        #expect(batch["failures"][1]["user_id"] == .null)
        #expect(batch["failures"][1]["status"] == .null)
        #expect(batch["failures"][1]["message"] == .text("m\u{FFFD}"))
        #expect(batch.counts.failed == 4)
        #expect(batch.counts.rows == ["failures": 4])
    }

    @Test(arguments: [
        #"{"Address":"x"}"#, #"{"Id":5}"#, #"{"Id":null}"#, #"{"Id":"a\u0000"}"#, #"{"Id":"\ud800"}"#,
        #"{"Id":"x","Id":[]}"#,
    ])
    func anEndpointWithoutAStorableKeyFailsItsRecordWhole(_ endpoint: String) throws {
        let good = #"{"Id":"good","Attributes":{"a":["x"]},"Metrics":{"m":1},"User":{"UserAttributes":{"b":["y"]}}}"#
        let before = try answer("{\"Item\":[\(good)]}", ordinal: 0, user: "first")
        let failing = try answer("{\"Item\":[\(good),\(endpoint)]}", ordinal: 1, user: "second")
        let after = try answer("{\"Item\":[\(good)]}", ordinal: 2, user: "third", application: "other")
        let batch = FlattenedBatch([before, failing, after])
        #expect(batch["failures"].map { $0["code"] } == [.text("UnstorableKey")])
        #expect(batch["failures"].first?["user_id"] == .text("second"))
        for table in ["users", "endpoints", "endpoint_user_attributes"] {
            #expect(batch[table].map { $0["user_id"] } == [.text("first"), .text("third")])
            #expect(batch[table].map { $0["application_id"] } == [.text("app"), .text("other")])
        }
        #expect(batch["endpoint_attributes"].map { $0["application_id"] } == [.text("app"), .text("other")])
        #expect(batch["endpoint_metrics"].count == 2)
        #expect(batch.counts.found == 2)
        #expect(batch.counts.failed == 1)
        #expect(batch.counts.endpoints == 2)
    }

    @Test func aLineSaysItsOwnKeys() throws {
        func line(_ text: String, application: String? = nil) throws -> SourceRecord {
            try answer(text, user: nil, application: application)
        }
        let batch = FlattenedBatch([
            try line(#"{"Id":"1","ApplicationId":"a1","User":{"UserAttributes":{"x":["y"]},"UserId":"own"}}"#),
            try line(#"{"ApplicationId":"a2","Id":"2","User":{"UserAttributes":{"x":["y"]}}}"#),
            try line(#"{"Id":"3"}"#),
            try line(#"{"Id":"4","User":{"UserId":"u\u0000"}}"#, application: "given"),
            try line(#"{"Id":"5","ApplicationId":"a1"}"#),
        ])
        #expect(batch["users"].isEmpty)
        #expect(
            batch["endpoints"].map { $0["application_id"] } == [.text("a1"), .text("a2"), .text("given"), .text("a1")])
        #expect(batch["endpoints"].map { $0["user_id"] } == [.text("own"), .null, .text("u\u{FFFD}"), .null])
        #expect(batch["endpoint_user_attributes"].map { $0["user_id"] } == [.text("own"), .null])
        #expect(batch["endpoints"][2]["extra"] == .json(#"{"User":{"UserId":{"$json":"\"u\\u0000\""}}}"#))
        #expect(batch["failures"].map { $0["code"] } == [.text("UnstorableKey")])
    }

    @Test func absentUsersAndUsersWithoutEndpointsHaveARow() throws {
        let batch = FlattenedBatch([
            record(.absent, user: "gone"), try answer(#"{"Item":[]}"#, ordinal: 1, user: "none"),
        ])
        #expect(batch["users"].map { $0["status"] } == [.text("absent"), .text("found")])
        #expect(batch["users"].map { $0["endpoint_count"] } == [.integer(0), .integer(0)])
        #expect(batch.counts.absent == 1)
        #expect(batch.counts.found == 1)
    }

    @Test func aUserIDWithU0000Fails() {
        let batch = FlattenedBatch([record(.absent, user: "a\0b")])
        #expect(batch["users"].isEmpty)
        #expect(batch["failures"].map { $0["user_id"] } == [.text("a\u{FFFD}b")])
        #expect(batch["failures"].map { $0["raw"] } == [.text("YQBi")])
    }

    @Test func aBuilderIsUsedAgain() throws {
        var builder = BatchBuilder(layout: .normalized(), run: FlattenedBatch.run)
        for round in 0..<3 {
            for ordinal in 0..<20 {
                builder.append(
                    try answer(#"{"Item":[{"Id":"e\#(ordinal)","Attributes":{"a":["v\#(round)"]}}]}"#, ordinal: ordinal)
                )
            }
            #expect(builder.recordCount == 20)
            let batch = FlattenedBatch(&builder)
            #expect(batch["endpoints"].map { $0["endpoint_id"] } == (0..<20).map { .text("e\($0)") })
            #expect(batch["endpoint_attributes"].allSatisfy { $0["value"] == .text("v\(round)") })
            #expect(batch["endpoint_attributes"].allSatisfy { $0["application_id"] == .text("app") })
            #expect(batch.counts.records == 20)
        }
        #expect(FlattenedBatch(&builder).counts == RunCounts())
    }

    /// A text that an edit put in a short one's place needs more room than the wire bytes had.
    @Test func editedEndpointsAreFlattenedAsEdited() throws {
        let long = String(repeating: "longer than before, é ", count: 200)
        var tape = try JSONTape(
            decoding:
                #"{"Id":"e","Address":"a","Attributes":{"x":["1","2"],"y":["3"]},"Location":{"City":"c"},"Q":"q"}"#)
        for index in tape.indexes(at: [.name("Attributes"), .name("x")], below: 0).flatMap({
            tape.elementIndexes(of: $0)
        }) {
            tape.replace(index, with: long)
        }
        for index in tape.indexes(at: [.name("Address")], below: 0) { tape.replace(index, with: long) }
        for index in tape.indexes(at: [.name("Q")], below: 0) { tape.replace(index, with: "m\"") }
        tape.dropMembers(at: [.name("Attributes"), .name("y")], below: 0)
        tape.dropMembers(at: [.name("Location"), .any], below: 0)
        let batch = FlattenedBatch([record(.found(EndpointTape(tape, form: .single(node: 0))))])
        #expect(batch["endpoints"].first?["address"] == .text(long))
        #expect(batch["endpoint_attributes"].map { $0["value"] } == [.text(long), .text(long)])
        #expect(batch["endpoints"].first?["extra"] == .json(#"{"Location":{},"Q":"m\""}"#))
    }

    /// For each endpoint's row the end of its parts is told, also where it has none; a record that fails leaves none.
    @Test func partsAreGroupedByEndpoint() throws {
        var builder = BatchBuilder(layout: .normalized(), run: FlattenedBatch.run)
        builder.append(
            try answer(
                #"{"Item":[{"Id":"a","Attributes":{"i":["x","y"]}},{"Id":"b"},{"Id":"c","Attributes":{"i":["z"]}}]}"#))
        builder.append(try answer(#"{"Item":[{"Id":"d","Attributes":{"i":["x"]}},{"Attributes":{"i":["lost"]}}]}"#))
        builder.append(try answer(#"{"Item":[{"Id":"a","Metrics":{"m":1}}]}"#))
        let tables = builder.finish().tables
        #expect(tables[1].rowCount == 4)
        #expect(tables[2].groupEnds == [2, 2, 3, 3])
        #expect(tables[3].groupEnds == [0, 0, 0, 1])
        #expect(tables[4].groupEnds == [0, 0, 0, 0])
        builder.append(try answer(#"{"Item":[{"Id":"a","Metrics":{"m":1}}]}"#))
        #expect(builder.finish().tables[3].groupEnds == [1])
    }
}
