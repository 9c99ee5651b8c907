internal import PipelineCore

extension SinkConformance {
    /// Looking at a store while nobody, or a run, has it open.
    static let reading: [Check] = [
        Check("a store that isn't there yet has no runs, and isn't made") { trial in
            for _ in 0..<2 {
                let runs = try await trial.read { try await $0.runs() }
                try trial.expect(runs.runs.count, 0, "runs")
                try trial.expect(runs.isKeyed, trial.isKeyed, "whether it has keys")
            }
        },
        Check("a run is seen as far as it has come, while it is under way") { trial in
            try await trial.begin()
            try await trial.commit([.found("u", [full("e1")]), .absent("v")])
            for commit in 1...2 {
                // The session is open, with its lock taken and a batch prepared.
                let batch = await trial.batch([.failed("w")])
                _ = try await trial.session().prepare(batch)
                let runs = try await trial.read { try await $0.runs().runs }
                try trial.expect(runs.map(\.record.runID), [SinkTrial.runID], "runs")
                try trial.expect(runs.first?.record.state, .running, "state")
                try trial.expect(runs.first?.record.startedAt, "2026-11-23T01:02:03.004Z", "its start")
                try trial.expect(runs.first?.record.finishedAt, nil, "its end")
                try trial.expect(runs.first?.record.counts.records, 2 * commit, "records")
                let progress = StoredProgress(
                    commitNumber: commit, nextOrdinal: 2 * commit, inputEnded: false, parked: 0)
                try trial.expect(runs.first?.progress, progress, "progress")
                try await trial.session().abandon()
                if commit == 1 { try await trial.commit([.found("x", []), .absent("y")]) }
            }
        },
        Check("a complete run's rows are those that readers see of it") { trial in
            try await trial.run(
                SinkTrial.laterRun(1),
                [
                    [.found("u", [full("e1"), full("e2")]), .found("v", [full("e3")])],
                    [.failed("w"), .found("x", [full("e4")])],
                ])
            try await trial.verifyReading()
            try await trial.run(
                SinkTrial.laterRun(2),
                [[.found("u", [full("e2"), full("e5")]), .failed("v"), .absent("x")], [.found("y", [full("e6")])]])
            try await trial.verifyReading()
            await trial.close()
            try await trial.verifyReading()
            let runs = try await trial.read { try await $0.runs().runs }
            try trial.expect(runs.map(\.record.runID), [1, 2].map { SinkTrial.laterRun($0) }, "runs")
            try trial.expect(runs.map(\.record.state), [.complete, .complete], "states")
            try trial.expect(runs.last?.record.finishedAt, SinkTrial.finishedAt, "the end")
            try trial.expect(runs.last?.record.counts.found, 2, "found")
            try trial.expect(runs.map { $0.progress == nil }, [true, false], "whose checkpoint it is")
        },
        Check("every value is read as it was written") { trial in
            let odd = "\t\n\\N \\. \" ' % é 🙂 \u{1} "
            let values: [Double] = [
                0, -0.0, 1, -1.5, 0.1, 1e-300, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 52.520008,
            ]
            let endpoints = values.enumerated().map { index, value in
                SinkFixture.Endpoint(
                    "e\(index)\(odd)", address: index == 0 ? "" : index == 1 ? nil : odd,
                    effectiveDate: index == 2 ? nil : "2026-01-02T03:04:05.678Z", latitude: value,
                    extra: #"{"a":[1,2.5,null,true],"ü\"":{"b\\":"\n"}}"#,
                    attributes: ["\(odd)\(index)": ["", odd, "3"]], metrics: ["m": value])
            }
            try await trial.run([[.found("u\(odd)", endpoints)]])
            try await trial.verifyReading()
        },
    ]
}

extension SinkTrial {
    /// Does something with a reader of the store, which is closed again.
    func read<R: Sendable>(_ body: @Sendable (any SinkReader) async throws -> R) async throws -> R {
        guard let sink = try store.sink(mode) else { throw failure("the store gives no sink in mode \(mode.rawValue)") }
        let reader = try await sink.openForReading(SinkReadingContext(pipeline: Self.pipeline, tables: tables))
        do {
            let result = try await body(reader)
            await reader.close()
            return result
        } catch {
            await reader.close()
            throw error
        }
    }

    /// What a reader gives of the last run is what readers of the store see of it.
    func verifyReading() async throws {
        let runID = runID
        let owners = try await store.rows(SinkFixture.endpoints).filter { $0.contains(.text(runID)) }.map { $0[1] }
        for table in tables {
            let found = try await read { reader in
                try await reader.read(table, ofRun: runID)
                var rows: [[RowView.Value]] = []
                while let buffer = try await reader.nextRows() {
                    buffer.forEachRow { row in rows.append(table.columns.indices.map { row[$0] }) }
                }
                return rows
            }
            let all = try await store.rows(table)
            let own = all.filter { row in
                if let column = table.index(of: "run_id") { return row[column] == .text(runID) }
                return mode == .replace || owners.contains(row[1])
            }
            try expect(Self.compact(found), of: table, toBe: Self.compact(own))
        }
        let account = try await read { try await $0.account(ofRun: runID) }
        try expect(account.faults + account.alterations, [], "faults")
        for (table, count) in account.rows {
            let definition = tables.first { $0.name == table }
            let rows = try await store.rows(definition ?? SinkFixture.failures)
            let column = definition?.index(of: "run_id")
            let own = rows.filter { row in column.map { row[$0] == .text(runID) } ?? true }
            try expect(count, own.count, "rows of '\(table)' in its own account")
        }
    }

    /// JSON without the spaces and with the order of members that a store may give it.
    private static func compact(_ rows: [[RowView.Value]]) -> [[RowView.Value]] {
        rows.map { row in
            row.map { value in
                guard case .json(let text) = value, let root = try? JSONTape(decoding: text).root else { return value }
                var writer = JSONWriter()
                write(root, to: &writer)
                return .json(writer.text)
            }
        }
    }

    private static func write(_ node: JSONNode, to writer: inout JSONWriter) {
        switch node.kind {
        case .object:
            writer.object { writer in
                for (name, value) in node.members.sorted(by: { $0.name < $1.name }) {
                    writer.key(name)
                    write(value, to: &writer)
                }
            }
        case .array: writer.array { writer in for element in node.elements { write(element, to: &writer) } }
        case .string: writer.value(node.text ?? "")
        case .number: writer.raw(node.numberText)
        case .true: writer.value(true)
        case .false: writer.value(false)
        case .null: writer.null()
        }
    }
}
