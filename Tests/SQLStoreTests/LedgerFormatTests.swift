import PipelineCore
import PipelineTesting
import SQLStore
import StoreFormat
import Testing

@Suite("The format of an SQL store")
struct LedgerFormatTests {
    private static let number = "SELECT format FROM s.sluice_format"
    private static let ledger: [String: Set<String>] = [
        "sluice_runs": ["run_id"], "sluice_checkpoints": ["run_id", "next_ordinal"], "sluice_tables": ["table_name"],
    ]

    private func database(
        _ tables: [String: Set<String>], says number: String?? = .none
    ) -> ScriptedDatabase {
        let database = ScriptedDatabase(number.map { [(Self.number, [[$0]])] } ?? [])
        database.tables = tables
        if number != nil { database.tables["sluice_format"] = ["part", "format"] }
        return database
    }

    private func refusal(_ database: ScriptedDatabase) -> PipelineError? {
        do { try LedgerFormat.check(database) } catch { return error as? PipelineError }
        return nil
    }

    @Test("What is empty, of the first format, or of this one, is read")
    func known() throws {
        #expect(refusal(database([:])) == nil)
        #expect(refusal(database(Self.ledger)) == nil)
        #expect(refusal(database(Self.ledger, says: "2")) == nil)
    }

    @Test("A later number, and one that is none, are refused", arguments: ["3", "0", "-1", "two", "", nil])
    func refused(number: String?) throws {
        let error = try #require(refusal(database(Self.ledger, says: number)))
        #expect(error.kind == .configuration)
        #expect(error.message.contains(number == "3" ? "has the format 3" : "can't be read"), "\(error)")
        #expect(error.message.hasPrefix("here "))
    }

    @Test("A store of this format that has lost its number isn't taken for one of the first")
    func lost() throws {
        var tables = Self.ledger
        tables["sluice_checkpoints"]?.insert("consumed")
        #expect(try #require(refusal(database(tables))).message.contains("can't be read"))
        // The table is there, its row isn't.
        let emptied = database(Self.ledger)
        emptied.tables["sluice_format"] = ["part", "format"]
        #expect(try #require(refusal(emptied)).message.contains("can't be read"))
    }

    @Test(
        "A store that another process makes or migrates between two questions isn't taken for a damaged one",
        arguments: ["sluice_format", "sluice_runs", "sluice_checkpoints"], [false, true])
    func changing(table: String, migrated: Bool) {
        let database = database(migrated ? Self.ledger : [:])
        database.meanwhile = { [unowned database] asked in
            guard asked == table, database.tables["sluice_format"]?.isEmpty ?? true else { return }
            database.tables = Self.ledger
            database.tables["sluice_checkpoints"]?.insert("consumed")
            database.tables["sluice_format"] = ["part", "format"]
            database.answers.append((Self.number, [["2"]]))
        }
        #expect(refusal(database) == nil)
    }

    @Test("The first format becomes the second: columns, counted records, and the number last")
    func migrated() throws {
        let old = database(Self.ledger)
        old.answers = [("mode = 'merge'", [["1"]])]
        old.tables["endpoints"] = ["endpoint_id", "changed_at"]
        var depth = 0
        try LedgerFormat(old) { body in
            depth += 1
            try body()
            // The next look finds it done.
            old.tables["sluice_format"] = ["part", "format"]
            old.answers.append((Self.number, [["2"]]))
        }.bringUpToDate()
        #expect(depth == 1)
        let statements = old.asked.map(\.sql).filter { !$0.hasPrefix("SELECT") }
        #expect(
            statements == [
                "CREATE TABLE s.sluice_format (part text NOT NULL, format integer, PRIMARY KEY (part))",
                "ALTER TABLE s.sluice_runs ADD COLUMN listing_hash text",
                "ALTER TABLE s.sluice_runs ADD COLUMN timeline json",
                "ALTER TABLE s.sluice_checkpoints ADD COLUMN consumed integer",
                "UPDATE s.sluice_checkpoints SET consumed = next_ordinal",
                // The endpoints have their column already.
                "INSERT INTO s.sluice_format (part, format) VALUES ('ledger', 2) "
                    + "ON CONFLICT (part) DO UPDATE SET format = excluded.format",
            ])
    }

    @Test("A merge's tables have what the store fills by itself, and no other mode's have")
    func stored() throws {
        let merge = try StoreLayout.trial(.merge)
        let endpoints = try #require(merge.stored.first { $0.role == .endpoints })
        let place = try #require(endpoints.index(of: "logical_date"))
        #expect(endpoints.columns[place + 1].name == "changed_at")
        #expect(merge.stored.map(\.name).contains("removals"))
        #expect(!merge.definitions.contains { $0.name == "removals" || $0.index(of: "changed_at") != nil })
        #expect(merge.isOwn(endpoints.columns[place + 1], of: endpoints))
        #expect(!merge.isOwn(endpoints.columns[place], of: endpoints))
        for mode in [WriteMode.append, .replace] {
            let layout = try StoreLayout.trial(mode)
            #expect(layout.stored.map(\.name) == layout.definitions.map(\.name))
        }
    }
}
