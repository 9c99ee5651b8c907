import PipelineCore
import PipelineTesting
import SQLStore
import Testing

@Suite("Whose a table is")
struct TableOwnersTests {
    private static let all = Set(SinkFixture.tables.map(\.name) + ["sluice_tables"])

    private func database(_ owner: (pipeline: String, mode: String)?, rows: Bool = false) -> ScriptedDatabase {
        let owners: [[String?]] = SinkFixture.tables.map { table in
            owner.map { [table.name, $0.pipeline, $0.mode] } ?? []
        }
        return ScriptedDatabase(
            placeOption: "schema",
            [("FROM s.sluice_tables", owner == nil ? [] : owners), ("LIMIT 1", rows ? [["1"]] : [])])
    }

    @Test("Where nothing is, each table is put down; where all is known, nothing is")
    func statements() throws {
        let layout = try StoreLayout.trial(.merge)
        let new = try TableOwners(database(nil), existing: []).missing(for: layout)
        #expect(new.count == layout.definitions.count)
        #expect(
            new.first
                == "INSERT INTO s.sluice_tables (table_name, pipeline, mode) VALUES ('users', 'nightly', 'merge') "
                + "ON CONFLICT (table_name) DO UPDATE SET pipeline = excluded.pipeline, mode = excluded.mode")
        #expect(try TableOwners(database(("other", "merge")), existing: Self.all).missing(for: layout) == [])
    }

    @Test("Another mode is refused, and another pipeline's rows aren't replaced")
    func refusals() throws {
        let mode = #expect(throws: PipelineError.self) {
            try TableOwners(database(("other", "append")), existing: Self.all).missing(for: .trial(.merge))
        }
        #expect(
            mode?.message
                == "here: table 'users' is written in mode 'append' by pipeline 'other', not in mode 'merge'")
        #expect(mode?.hint == "Set mode: append, name another schema, or drop the tables there to begin anew.")
        let pipeline = #expect(throws: PipelineError.self) {
            try TableOwners(database(("other", "replace")), existing: Self.all).missing(for: .trial(.replace))
        }
        #expect(pipeline?.message.contains("table 'users' belongs to pipeline 'other'") == true)
        #expect(pipeline?.hint == "Name another schema for pipeline 'nightly'.")
    }

    @Test("A 'replace' takes over tables that nobody owns only while they are empty")
    func unowned() throws {
        let layout = try StoreLayout.trial(.replace)
        #expect(try TableOwners(database(nil), existing: Self.all).missing(for: layout).count == 5)
        #expect(throws: PipelineError.self) {
            try TableOwners(database(nil, rows: true), existing: Self.all).missing(for: layout)
        }
        #expect(try TableOwners(database(nil, rows: true), existing: Self.all).missing(for: .trial(.merge)).count == 5)
    }

    @Test("Tables of another layout would go out of date, except in 'append'", arguments: WriteMode.allCases)
    func layouts(_ mode: WriteMode) throws {
        let database = ScriptedDatabase([
            ("FROM s.sluice_tables", [["endpoint_user_attributes", "nightly", mode.rawValue]])
        ])
        let owners = try TableOwners(database, existing: ["sluice_tables", "endpoint_user_attributes"])
        let layout = try StoreLayout.trial(mode)
        if mode == .append {
            #expect(try owners.missing(for: layout).count == 5)
        } else {
            let error = #expect(throws: PipelineError.self) { try owners.missing(for: layout) }
            #expect(error?.message.contains("was written with another layout") == true)
        }
        // What was said of a table that is gone doesn't bind.
        #expect(try TableOwners(database, existing: ["sluice_tables"]).missing(for: layout).count == 5)
    }
}
