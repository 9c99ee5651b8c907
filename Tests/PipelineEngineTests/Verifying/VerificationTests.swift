import PipelineCore
import PipelineEngine
import Testing

@Suite struct VerificationTests {
    private static let runID = "p-1"

    private static func verify(
        _ stores: [ListStore], transformed: Set<Int> = [], conflict: ConflictPolicy = .last, limit: Int = 10,
        capacity: Int = 5
    ) async -> VerificationReport {
        var stores = stores
        for index in stores.indices {
            stores[index].name = "s\(index)"
            if stores[index].runs.isEmpty { stores[index].runs = [run(stores[index])] }
        }
        return await Verification(
            plan: .looking(at: stores, conflict: conflict),
            transformed: stores.indices.map { transformed.contains($0) },
            limit: limit, capacity: capacity
        ).perform()
    }

    /// The run with the counts that the rows have.
    private static func run(_ store: ListStore) -> StoredRun {
        var counts = RunCounts()
        counts.rows = store.rows.mapValues(\.count)
        counts.endpoints = store.rows["endpoints"]?.count ?? 0
        return .complete(1, counts: counts)
    }

    private static func users(_ count: Int) -> AnsweredUsers {
        var users = AnsweredUsers(runID: runID)
        for index in 0..<count {
            users.answer(
                "user-\(1000 + index)",
                (0..<index % 3).map {
                    .init(id: "e\(index).\($0)", date: nil, attributes: [("a", ["x", "y\(index)"])])
                })
        }
        return users
    }

    private static func differences(_ report: VerificationReport) -> [String] {
        report.tables.flatMap { table in
            table.comparisons.flatMap { comparison in
                comparison.differences.map { difference in
                    "\(table.name) \(difference.key.map(\.json).joined(separator: " ")) "
                        + (difference.onlyIn ?? difference.columns.joined(separator: ","))
                }
            }
        }
    }

    // MARK: Order and differences

    @Test func otherOrdersAreEqual() async {
        let rows = Self.users(60).kept
        let report = await Self.verify([
            ListStore(name: "", rows: rows),
            ListStore(name: "", mode: .replace, rows: rows.mapValues { $0.shuffled() }),
        ])
        #expect(report.exitCode == 0, "\(report.text)")
        #expect(report.tables.map(\.contents.count) == [2, 2, 2, 2, 2, 2])
        #expect(report.tables[0].contents.map(\.rows) == [60, 60])
        #expect(report.tables[0].contents[0].hash == report.tables[0].contents[1].hash)
    }

    @Test func theFirstDifferingKeysAreNamedInTheirOrder() async throws {
        let rows = Self.users(300).kept
        var changed = rows
        let users = try #require(changed["users"]).sorted { "\($0[1])" < "\($1[1])" }
        let status = try #require(AnsweredUsers.definition("users").index(of: "status"))
        changed["users"] = users.enumerated().compactMap { index, row in
            var row = row
            if index == 250 || index == 7 { row[status] = .text("absent") }
            return index == 120 ? nil : row
        }
        let report = await Self.verify([ListStore(name: "", rows: rows), ListStore(name: "", rows: changed)])
        #expect(
            Self.differences(report) == [
                #"users "app" "user-1007" status"#, #"users "app" "user-1120" s0"#, #"users "app" "user-1250" status"#,
            ])
        #expect(report.exitCode == 65)
        #expect(!report.tables[0].comparisons[0].isCut)
        let first = await Self.verify([ListStore(name: "", rows: rows), ListStore(name: "", rows: changed)], limit: 2)
        #expect(Self.differences(first).count == 2)
        #expect(first.tables[0].comparisons[0].isCut)
    }

    @Test("One changed value of any table is found, whichever it is")
    func anyChange() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let rows = Self.users(40).kept
        for _ in 0..<40 {
            var changed = rows
            let table = try #require(rows.keys.sorted().randomElement(using: &random))
            let place = Int.random(in: 0..<(rows[table]?.count ?? 0), using: &random)
            let definition = AnsweredUsers.definition(table)
            let column = Int.random(in: 0..<definition.columns.count, using: &random)
            changed[table]?[place][column] = Self.other(rows[table]?[place][column], definition.columns[column].type)
            let report = await Self.verify([ListStore(name: "", rows: rows), ListStore(name: "", rows: changed)])
            #expect(report.exitCode == 65, "\(table).\(definition.columns[column].name)")
            #expect(report.tables.filter { !$0.comparisons[0].isEqual }.map(\.name) == [table])
            if !definition.key.contains(definition.columns[column].name) {
                let named = report.tables.flatMap(\.comparisons).flatMap(\.differences).map(\.columns)
                #expect(named == [[definition.columns[column].name]])
            }
        }
    }

    private static func other(_ value: RowView.Value?, _ type: ColumnType) -> RowView.Value {
        switch (value, type) {
        case (.text(let text), _): .text(text + "'")
        case (.integer(let number), _): .integer(number + 1)
        case (.number(let number), _): .number(number.nextUp)
        case (_, .text): .text("")
        case (_, .integer): .integer(0)
        case (_, .real): .number(0)
        case (_, .json): .json("[]")
        case (_, .time): .time("2026-01-01T00:00:00.000Z")
        }
    }

    // MARK: Without keys

    @Test("Of rows with one key those count that a store with keys keeps", arguments: [false, true])
    func repetitions(isAmended: Bool) async throws {
        for _ in 0..<20 {
            let seed = UInt64.random(in: 0...UInt64.max)
            print("seed \(seed)")
            var random = SeededGenerator(seed: seed)
            var users = AnsweredUsers(runID: Self.runID)
            for _ in 0..<80 {
                let found = (0..<Int.random(in: 0...3, using: &random)).map { _ in Self.endpoint(&random) }
                users.answer("u\(Int.random(in: 0..<25, using: &random))", Self.unique(found))
            }
            var rows = users.written
            if isAmended {
                // Amended rows come last in their files. A user's row tells its ordinal; the parts keep their order.
                rows["users"] = Self.moved(rows["users"] ?? [])
            }
            let stores = [
                ListStore(name: "", rows: users.kept),
                ListStore(name: "", mode: .append, isKeyed: false, rows: keyedByRun(rows)),
            ]
            let report = await Self.verify(stores)
            #expect(report.exitCode == 0, "\(report.text)")
            #expect(report.tables.flatMap(\.comparisons).allSatisfy { $0.undecided == 0 })
            // And what differs beside the repetitions is still found.
            var changed = stores
            let place = Int.random(in: 0..<(users.kept["endpoint_attributes"]?.count ?? 0), using: &random)
            changed[0].rows["endpoint_attributes"]?[place][4] = .text("changed")
            let other = await Self.verify(changed)
            #expect(Self.differences(other).count == 1, "\(other.text)")
        }
    }

    @Test(
        "Of an archive's lines with one key the newest counts where that is asked for",
        arguments: [ConflictPolicy.last, .newest])
    func archives(conflict: ConflictPolicy) async {
        for _ in 0..<20 {
            let seed = UInt64.random(in: 0...UInt64.max)
            print("seed \(seed)")
            var random = SeededGenerator(seed: seed)
            var lines = AnsweredUsers(runID: Self.runID)
            for _ in 0..<60 { lines.line(Self.endpoint(&random), of: "u", conflict: conflict) }
            let report = await Self.verify(
                [
                    ListStore(name: "", rows: lines.kept),
                    ListStore(name: "", mode: .append, isKeyed: false, rows: keyedByRun(lines.written)),
                ], conflict: conflict)
            #expect(report.exitCode == 0, "\(report.text)")
        }
    }

    @Test func whatCantBeToldApartIsSaidAndNotCalledADifference() async {
        var users = AnsweredUsers(runID: Self.runID)
        users.answer("u", [.init(id: "e", date: nil, attributes: [("a", ["1"])])])
        users.answer("u", [.init(id: "e", date: nil, attributes: [("b", ["1"])])])
        let report = await Self.verify([
            ListStore(name: "", rows: users.kept),
            ListStore(name: "", mode: .append, isKeyed: false, rows: keyedByRun(users.written)),
        ])
        #expect(report.exitCode == 0, "\(report.text)")
        #expect(report.tables[2].comparisons[0].undecided == 1)
        #expect(report.text.contains("aren't compared"))
    }

    private static func endpoint(_ random: inout SeededGenerator) -> AnsweredUsers.Endpoint {
        // Each has this one attribute, so that one answer's parts can be told from another's.
        let more = (0..<Int.random(in: 0...2, using: &random)).map { ("b\($0)", ["\(random.next() % 9)"]) }
        let date = Bool.random(using: &random) ? "2026-01-0\(1 + random.next() % 4)T00:00:00.000Z" : nil
        return .init(
            id: "e\(Int.random(in: 0..<30, using: &random))", date: date,
            attributes: [("a", ["1", "\(random.next() % 9)"])] + more)
    }

    private static func unique(_ endpoints: [AnsweredUsers.Endpoint]) -> [AnsweredUsers.Endpoint] {
        var seen: Set<String> = []
        return endpoints.filter { seen.insert($0.id).inserted }
    }

    private static func moved(_ rows: [ListStore.Row]) -> [ListStore.Row] { Array(rows[20...] + rows[..<20]) }

    /// Parts as an `append` has them.
    private func keyedByRun(_ rows: [String: [ListStore.Row]]) -> [String: [ListStore.Row]] {
        var rows = rows
        rows["endpoint_attributes"] = rows["endpoint_attributes"]?.map { $0 + [.text(Self.runID)] }
        return rows
    }

    // MARK: What is compared

    @Test func aSinkWithTransformsOfItsOwnIsNotCompared() async {
        let rows = Self.users(9).kept
        var masked = rows
        masked["users"]?[0][1] = .text("masked")
        let report = await Self.verify(
            [ListStore(name: "", rows: rows), ListStore(name: "", rows: rows), ListStore(name: "", rows: masked)],
            transformed: [2])
        #expect(report.exitCode == 0)
        #expect(report.sinks.map { $0.exclusion == nil } == [true, true, false])
        #expect(report.tables.allSatisfy { $0.comparisons.count == 1 })
        let alone = await Self.verify(
            [ListStore(name: "", rows: rows), ListStore(name: "", rows: masked)], transformed: [1])
        #expect(alone.exitCode == 0)
        #expect(alone.tables.allSatisfy { $0.comparisons.isEmpty })
        #expect(alone.text.contains("no sinks were compared"))
    }

    @Test func theNewestRunThatIsCompleteEverywhereIsTaken() async {
        let rows = Self.users(3).kept
        let (first, second) = (StoredRun.complete(1), StoredRun.complete(2))
        let unfinished = StoredRun.complete(3, state: .running)
        func outcome(_ left: [StoredRun], _ right: [StoredRun], _ mode: WriteMode = .append) async -> String {
            let stores = [left, right].map { ListStore(name: "", mode: mode, runs: $0, rows: keyedByRun(rows)) }
            let report = await Self.verify(stores)
            return report.error.map { "\($0.exitCode)" } ?? report.runID ?? ""
        }
        #expect(await outcome([first, second], [first, second]) == "p-2")
        #expect(await outcome([first, second], [first]) == "p-1")
        #expect(await outcome([first], [first, second]) == "p-1")
        #expect(await outcome([first], [second]) == "66")
        #expect(await outcome([first], [.complete(1, state: .abandoned)]) == "66")
        #expect(await outcome([first, unfinished], [first]) == "p-1")
        #expect(await outcome([unfinished], [unfinished]) == "66")
        #expect(await outcome([first, second], [first], .replace) == "75")
        #expect(await outcome([first, unfinished], [first], .replace) == "p-1")
    }

    @Test(
        "A merge whose rows a later run has begun to replace can't be compared",
        arguments: [RunState.running, .abandoned])
    func laterRuns(state: RunState) async {
        let rows = Self.users(3).kept
        var counts = RunCounts()
        func code() async -> Int32 {
            let runs = [StoredRun.complete(1), StoredRun.complete(2, counts: counts, state: state)]
            return await Self.verify([ListStore(name: "", runs: runs, rows: rows)]).error?.exitCode ?? 0
        }
        #expect(await code() == 0)
        counts.found = 1
        #expect(await code() == 75)
    }

    // MARK: The own account

    @Test func theOwnAccountIsChecked() async {
        var store = ListStore(name: "", rows: Self.users(9).kept)
        store.runs = [Self.run(store)]
        #expect(await Self.verify([store]).exitCode == 0)
        var less = store
        less.rows["endpoints"]?.removeLast()
        let report = await Self.verify([less])
        #expect(report.exitCode == 65)
        #expect(report.sinks[0].faults.count == 1, "\(report.text)")
        store.account.alterations = ["a file has other bytes"]
        #expect(await Self.verify([store]).exitCode == 65)
        // Where the rows are compared they count, and not the bytes that they stand in.
        let both = await Self.verify([store, store])
        #expect(both.exitCode == 0)
        #expect(both.notes.count == 2)
    }

    @Test func anErrorHasItsExitCode() async {
        var store = ListStore(name: "", rows: Self.users(9).kept)
        store.error = PipelineError(.unavailable, "the server is away")
        let report = await Self.verify([store, ListStore(name: "", rows: store.rows)])
        #expect(report.exitCode == 69)
        #expect(report.json.contains(#""equal":null"#))
    }

    @Test func theResultIsOneLineOfJSON() async throws {
        let rows = Self.users(4).kept
        var changed = rows
        changed["users"]?.removeAll { $0[1] == .text("user-1001") }
        let report = await Self.verify([ListStore(name: "", rows: rows), ListStore(name: "", rows: changed)])
        #expect(!report.json.contains("\n"))
        let root = try JSONTape(decoding: report.json).root
        #expect(root["equal"]?.boolean == false)
        #expect(root["run_id"]?.text == "p-1")
        #expect(root["exit_code"]?.integer == 65)
        let difference = root["tables"]?.elements.first?["differences"]?.elements.first
        #expect(difference?["key"]?["user_id"]?.text == "user-1001")
        #expect(difference?["only_in"]?.text == "s0")
        #expect(difference?["between"]?.elements.map(\.text) == ["s0", "s1"])
    }
}
