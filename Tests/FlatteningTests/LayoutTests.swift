import Flattening
import PipelineCore
import Testing

/// The layout of one row for an endpoint, and columns that are pulled out of its members.
@Suite struct LayoutTests {
    private static let members =
        #""Attributes":{"i":["x",null,"y\u0000"],"none":[],"s":["é\"\u00e9"],"$json":["z"]},"Metrics":{"m":6,"k":1e23,"#
        + #""b":1e400},"User":{"UserAttributes":{"t":["gold"]}}"#

    private static func row(
        _ members: String, _ layout: Layout
    ) throws -> (row: [String: RowView.Value], batch: FlattenedBatch) {
        let batch = try TransformTests.batch(members, [], layout: layout)
        return (try #require(batch["endpoints"].first), batch)
    }

    @Test func documentColumns() {
        let tables = Layout.document(
            mode: .append, columns: [PulledColumn(name: "age", path: ["Metrics", "age"], form: .number)]
        ).tables
        #expect(tables.map(\.name) == ["users", "endpoints", "failures"])
        #expect(
            tables[1].columns.suffix(10).map(\.name) == [
                "location_postal_code", "location_region", "attributes", "metrics", "user_attributes", "extra",
                "ordinal",
                "run_id", "logical_date", "age",
            ])
        #expect(tables[1].columns.last?.type == .real)
        #expect(tables[1].key == ["run_id", "application_id", "endpoint_id"])
    }

    @Test func documentsOfObjects() throws {
        let (row, _) = try Self.row(Self.members, .document())
        #expect(row["attributes"] == .json(#"{"i":["x","y\#u{FFFD}"],"s":["é\"\u00e9"],"$json":["z"]}"#))
        #expect(row["metrics"] == .json(#"{"m":6.0,"k":1e+23}"#))
        #expect(row["user_attributes"] == .json(#"{"t":["gold"]}"#))
        #expect(
            row["extra"]
                == .json(
                    #"{"Attributes":{"i":["x",null,{"$json":"\"y\\u0000\""}],"none":[]},"Metrics":{"b":1e400}}"#))
    }

    @Test func documentsOfEntries() throws {
        let (row, _) = try Self.row(Self.members, .document(maps: .entries))
        #expect(
            row["attributes"]
                == .json(
                    #"[{"name":"i","values":["x","y\#u{FFFD}"]},{"name":"s","values":["é\"\u00e9"]},"#
                        + #"{"name":"$json","values":["z"]}]"#))
        #expect(row["metrics"] == .json(#"[{"name":"m","value":6.0},{"name":"k","value":1e+23}]"#))
        #expect(row["user_attributes"] == .json(#"[{"name":"t","values":["gold"]}]"#))
    }

    /// The same stands in `extra` in every layout; nothing is an empty map.
    @Test func nothingIsEmpty() throws {
        let (object, _) = try Self.row(#""Address":"a","Attributes":{}"#, .document())
        let (list, _) = try Self.row(#""Address":"a","Attributes":{}"#, .document(maps: .entries))
        for name in ["attributes", "metrics", "user_attributes"] {
            #expect(object[name] == .json("{}"))
            #expect(list[name] == .json("[]"))
        }
        #expect(object["extra"] == .json(#"{"Attributes":{}}"#))
        let (extra, _) = try Self.row(Self.members, .normalized())
        #expect(try Self.row(Self.members, .document()).row["extra"] == extra["extra"])
    }

    // MARK: Pulled columns

    private static func pull(
        _ path: [String], _ form: PulledColumn.Form, _ members: String
    ) throws -> (value: RowView.Value?, extra: RowView.Value?, notNumbers: Int) {
        let layout = Layout.normalized(columns: [PulledColumn(name: "c", path: path, form: form)])
        let (row, batch) = try row(members, layout)
        return (row["c"], row["extra"], batch.counts.notNumbers)
    }

    @Test(
        arguments: [
            (["Attributes", "a.b"], .first, .text("x")),
            (["Attributes", "a.b"], .joined(separator: "; "), .text("x; 5; y")),
            (["Attributes", "a.b"], .json, .json(#"[null,"x",5,"y"]"#)), (["Attributes", "c"], .first, .null),
            (["Attributes", "c"], .json, .json("[]")), (["Attributes", "none"], .joined(separator: ","), .null),
            (["Address"], .first, .text("a@b")), (["New", "deep"], .first, .text("true")),
            (["New"], .json, .json(#"{"deep":true}"#)), (["Metrics", "m"], .first, .text("6.50")),
            (["Metrics", "m"], .number, .number(6.5)), (["User", "UserAttributes", "age"], .number, .number(39)),
            (["Location"], .first, .null), (["Attributes", "c"], .number, .null), (["OptOut"], .json, .null),
            (["OptOut"], .number, .null),
        ] as [([String], PulledColumn.Form, RowView.Value)])
    func pulls(_ path: [String], _ form: PulledColumn.Form, _ value: RowView.Value) throws {
        let members =
            #""Address":"a@b","OptOut":null,"Attributes":{"a.b":[null,"x",5,"y"],"c":[]},"Metrics":{"m":6.50},"#
            + #""User":{"UserAttributes":{"age":["39","x"]}},"Location":{"City":"c"},"New":{"deep":true}"#
        let (found, _, notNumbers) = try Self.pull(path, form, members)
        #expect(found == value)
        #expect(notNumbers == 0)
    }

    @Test(arguments: [
        #"["x"]"#, #"[""]"#, #"[" 5"]"#, #"["5 "]"#, #"["+5"]"#, #"["05"]"#, #"["5."]"#, #"["0x1"]"#, #"["nan"]"#,
        #"["inf"]"#, #"["1e999"]"#, #"[true]"#, #"[["5"]]"#, #"["x","5"]"#, #"["1_0"]"#, #"["１"]"#,
    ])
    func whatIsNoNumberIsKept(_ value: String) throws {
        let (found, extra, notNumbers) = try Self.pull(["Attributes", "n"], .number, "\"Attributes\":{\"n\":\(value)}")
        #expect(found == .null)
        #expect(extra == .json("{\"Attributes\":{\"n\":\(value)}}"))
        #expect(notNumbers == 1)
    }

    @Test(arguments: [
        ("5", 5), ("-0.5", -0.5), ("1e3", 1000), ("0", 0), ("1E-2", 0.01),
        ("9007199254740993", 9_007_199_254_740_992),
    ])
    func textsThatAreNumbers(_ text: String, _ number: Double) throws {
        let (found, extra, notNumbers) = try Self.pull(
            ["Attributes", "n"], .number, "\"Attributes\":{\"n\":[\"\(text)\"]}")
        #expect(found == .number(number))
        #expect(extra == .json("{}"))
        #expect(notNumbers == 0)
    }

    @Test func problemsAreTold() {
        func column(_ name: String, _ path: [String]) -> PulledColumn {
            PulledColumn(name: name, path: path, form: .first)
        }
        let problems = Layout.problems(
            of: [
                column("Extra", ["Address"]), column("plan", ["Attributes", "plan"]),
                column("PLAN", ["Attributes", "p"]),
                column("ctid", ["New", "x"]), column("Metrics", ["Metrics"]), column("x", ["Attributes", "a", "b"]),
                column("y", ["Attributes", "*"]),
            ], isDocument: false)
        #expect(
            problems.map(\.path) == [
                ["columns", "0", "name"], ["columns", "2", "name"], ["columns", "3", "name"], ["columns", "5", "from"],
                ["columns", "6", "from"],
            ])
        #expect(
            Layout.problems(of: [column("Metrics", ["Metrics"])], isDocument: true).map(\.path) == [
                ["columns", "0", "name"]
            ])
    }
}
