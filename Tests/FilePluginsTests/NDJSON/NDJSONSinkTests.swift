import FilePlugins
import Foundation
import PipelineCore
import PipelineTesting
import Testing

@Suite("The NDJSON sink", .timeLimit(.minutes(5)))
struct NDJSONSinkTests {
    /// What a killed process leaves behind is a copy of its folder: after each step one is taken, and gone on with.
    @Test(
        "Wherever a run is interrupted, its files end as the same bytes",
        arguments: [WriteMode.append, .replace], [1, 700, 1 << 30])
    func sameBytes(mode: WriteMode, maxFileSize: Int) async throws {
        let reader = try OutputReader(maxFileSize: maxFileSize)
        let run = NDJSONRun(reader: reader, mode: mode)
        let copies = try TemporaryFolder()
        var taken: [(path: String, committed: Int)] = []
        func take(_ committed: Int) throws {
            let path = copies.file("copy-\(taken.count)")
            try FileManager.default.copyItem(atPath: reader.path, toPath: path)
            taken.append((path, committed))
        }
        let session = try await run.open()
        try await run.begin(session)
        try take(0)
        for number in 1...NDJSONRun.batches {
            _ = try await session.prepare(run.batch(number))
            try take(number - 1)
            try await session.commit()
            try take(number)
        }
        _ = try await session.prepareCompletion(state: .complete, finishedAt: SinkFixture.logicalDate)
        try take(NDJSONRun.batches)
        try await session.commit()
        await session.close()
        let expected = try OutputReader.files(below: run.published)
        #expect(expected.count >= 6)
        if maxFileSize == 1 { #expect(expected["endpoints/00005.ndjson.gz"] != nil) }
        if maxFileSize == 1 << 30 { #expect(expected.count == 6) }
        for (path, committed) in taken {
            // A batch that never came leaves longer junk than the one that comes.
            for name in ["users/00000.ndjson.gz", "endpoints/00000.ndjson.gz"] where committed == 0 {
                try append([UInt8](repeating: 7, count: 5000), to: "\(path)/.sluice/\(run.id)/\(name)")
            }
            let next = try await run.open(at: path)
            #expect(try await next.state().checkpoint?.commitNumber == committed)
            if committed < NDJSONRun.batches { try await run.commit((committed + 1)...NDJSONRun.batches, next) }
            try await run.complete(next)
            #expect(try OutputReader.files(below: "\(path)/\(run.id)") == expected, "after commit \(committed)")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: "\(path)/.sluice").sorted() == [
                    "owner.json", "runs",
                ])
        }
    }

    private func append(_ bytes: [UInt8], to path: String) throws {
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: bytes)
        try handle.close()
    }

    @Test("What is committed is valid to gzip and Python once a trailer follows, and the published files as they are")
    func prefixes() async throws {
        let reader = try OutputReader()
        let run = NDJSONRun(reader: reader)
        let session = try await run.open()
        try await run.begin(session)
        for number in 1...NDJSONRun.batches {
            try await run.commit(number...number, session)
            let rows = try PythonProcess.shared.run(
                """
                import json, os, struct, subprocess, zlib
                folder = arguments[0]
                checkpoint = json.load(open(folder + "/checkpoint.json"))
                result = {}
                for table in checkpoint["tables"]:
                    current = table["current"]
                    data = open(f'{folder}/{table["name"]}/{current["number"]:05}.ndjson.gz', "rb").read()[:current["bytes"]]
                    data += b"\\x03\\x00" + struct.pack("<II", current["crc32"], current["length"] & 0xffffffff)
                    subprocess.run(["gzip", "-t"], input=data, check=True)
                    text = subprocess.run(["gzip", "-dc"], input=data, check=True, capture_output=True).stdout
                    assert len(text) == current["length"] and text.count(b"\\n") == current["rows"]
                    for line in text.splitlines(): json.loads(line)
                    result[table["name"]] = current["rows"]
                """, [run.underWay])
            let counts = try await session.state().checkpoint?.counts.rows
            #expect(rows["users"]?.integer == counts?["users"].map(Int64.init))
            #expect(rows["endpoints"]?.integer == counts?["endpoints"].map(Int64.init))
            #expect(rows["failures"]?.integer == 0)
        }
        try await run.complete(session)
        let tested = try PythonProcess.shared.run(
            """
            import glob, subprocess
            files = sorted(glob.glob(arguments[0] + "/*/*.gz"))
            subprocess.run(["gzip", "-t", *files], check=True)
            # One member each, with a fixed header.
            for file in files: assert open(file, "rb").read(10) == b"\\x1f\\x8b\\x08" + bytes(6) + b"\\xff"
            result = len(files)
            """, [run.published])
        #expect(tested.integer == 5)
        #expect(target(ofLink: reader.path + "/current") == run.id)
    }

    private func target(ofLink path: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: path)
    }

    @Test("A batch is cut into the same segments however many processors there are; big batches are whole")
    func bigBatch() async throws {
        let reader = try OutputReader(level: 1)
        let run = NDJSONRun(reader: reader)
        let session = try await run.open()
        try await run.begin(session)
        let users = 30_000
        let records: [SinkFixture.Record] = (0..<users).map {
            .found("user-\($0)", [.init("endpoint-\($0)", address: String(repeating: "x\($0)", count: $0 % 20))])
        }
        _ = try await session.prepare(
            SinkFixture.batch(records, commitNumber: 1, firstOrdinal: 0, runID: run.id, mode: .append))
        try await session.commit()
        try await run.complete(session)
        let rows = try PythonProcess.shared.run(
            """
            import gzip, json
            lines = gzip.open(arguments[0] + "/endpoints/00000.ndjson.gz").read().splitlines()
            result = [json.loads(line)["ordinal"] for line in lines] == list(range(int(arguments[1])))
            """, [run.published, String(users)])
        #expect(rows.boolean == true)
    }

    @Test("Levels give different sizes of the same text", arguments: [1, 9])
    func levels(level: Int) async throws {
        let reader = try OutputReader(level: level)
        try await NDJSONRun(reader: reader).whole()
        let other = try OutputReader(level: 6)
        try await NDJSONRun(reader: other).whole()
        for table in SinkFixture.tables(for: .append) { #expect(try reader.rows(of: table) == other.rows(of: table)) }
    }

    // MARK: Publishing

    @Test("Append keeps every run; replace keeps the newest and the one before")
    func retention() async throws {
        for mode in [WriteMode.append, .replace] {
            let reader = try OutputReader()
            try FileManager.default.createDirectory(atPath: reader.path + "/mine", withIntermediateDirectories: true)
            try Data("{}".utf8).write(to: URL(fileURLWithPath: reader.path + "/mine/manifest.json"))
            let ids = (1...4).map { "nightly-2026112\($0)T000000Z" }
            for id in ids { try await NDJSONRun(reader: reader, mode: mode, id: id).whole() }
            let kept = mode == .append ? ids : Array(ids.suffix(2))
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: reader.path).sorted()
                    == ([".sluice", "current", "mine"] + kept).sorted())
            #expect(target(ofLink: reader.path + "/current") == ids.last)
            let session = try await NDJSONRun(reader: reader, mode: mode).open()
            #expect(try await session.run(withID: ids[0])?.state == .complete)
            await session.close()
        }
    }

    @Test("What `current` leads to stays as it was until a run that is done again takes its place")
    func doneAgain() async throws {
        let reader = try OutputReader()
        let run = NDJSONRun(reader: reader, mode: .replace)
        try await run.whole()
        let before = try OutputReader.files(below: run.published)
        let again = NDJSONRun(reader: reader, mode: .replace, seed: 1000)
        let session = try await again.open()
        try await again.begin(session)
        try await again.commit(1...3, session)
        #expect(
            try OutputReader.files(below: reader.path + "/" + (target(ofLink: reader.path + "/current") ?? ""))
                == before)
        try await again.complete(session)
        let after = try OutputReader.files(below: run.published)
        #expect(after["users/00000.ndjson.gz"] != before["users/00000.ndjson.gz"])
        #expect(try reader.rows(of: SinkFixture.users).count == 60)
    }

    // MARK: Refusals

    @Test("Another mode is refused, and a pipeline that would replace another's runs")
    func ownership() async throws {
        let reader = try OutputReader()
        try await NDJSONRun(reader: reader, mode: .replace).whole()
        let before = try OutputReader.files(below: reader.path)
        let otherMode = await pipelineError { await (try NDJSONRun(reader: reader, mode: .append).open()).close() }
        #expect(otherMode?.kind == .configuration)
        #expect(otherMode?.message.contains("'replace'") == true)
        let otherPipeline = await pipelineError {
            let context = SinkContext(pipeline: "weekly", tables: SinkFixture.tables)
            await (try reader.sink(.replace).open(context)).close()
        }
        #expect(otherPipeline?.kind == .configuration)
        #expect(otherPipeline?.message.contains("'nightly'") == true)
        #expect(try OutputReader.files(below: reader.path) == before)
    }

    @Test("Pipelines may share a folder in append")
    func shared() async throws {
        let reader = try OutputReader()
        try await NDJSONRun(reader: reader).whole()
        let context = SinkContext(pipeline: "weekly", tables: SinkFixture.tables(for: .append))
        let session = try await reader.sink().open(context)
        #expect(try await session.state().lastRun == nil)
        let weekly = NDJSONRun(reader: reader, id: "weekly-20261123T000000Z")
        try await weekly.begin(session)
        let other = try await NDJSONRun(reader: reader).open()
        await other.close()
        try await weekly.commit(1...2, session)
        try await weekly.complete(session)
        #expect(try reader.rows(of: SinkFixture.tables(for: .append)[0]).count == 180)
    }

    @Test("What isn't the sink's is left alone, and said to be in the way")
    func foreign() async throws {
        let reader = try OutputReader()
        try FileManager.default.createDirectory(atPath: reader.path, withIntermediateDirectories: true)
        let mine = reader.path + "/\(NDJSONRun.id)"
        try Data("mine".utf8).write(to: URL(fileURLWithPath: mine))
        let run = NDJSONRun(reader: reader)
        let session = try await run.open()
        let refusal = await pipelineError { try await run.begin(session) }
        #expect(refusal?.kind == .cantCreate)
        #expect(refusal?.message.contains(mine) == true)
        #expect(try await session.state().lastRun == nil)
        try FileManager.default.removeItem(atPath: mine)
        try await run.begin(session)
        // It comes while the run goes on: the run is complete all the same, and published when the way is free.
        try await run.commit(1...2, session)
        try Data("mine".utf8).write(to: URL(fileURLWithPath: mine))
        #expect(await pipelineError { try await run.complete(session) }?.kind == .cantCreate)
        await session.close()
        #expect(await pipelineError { await (try run.open()).close() }?.kind == .cantCreate)
        try FileManager.default.removeItem(atPath: mine)
        let next = try await run.open()
        #expect(try await next.state().lastRun?.state == .complete)
        await next.close()
        #expect(try reader.rows(of: SinkFixture.tables(for: .append)[0]).count == 40)
    }

    @Test("A path that is a file can't be created")
    func file() async throws {
        let reader = try OutputReader()
        try Data("x".utf8).write(to: URL(fileURLWithPath: reader.path))
        #expect(await pipelineError { await (try NDJSONRun(reader: reader).open()).close() }?.kind == .cantCreate)
    }

    // MARK: Damage

    /// What is done to the folder of a run after its fifth commit.
    enum Damage: String, CaseIterable {
        case shorter, changed, missing, finishedShorter, noCheckpoint, noFolder
    }

    @Test("Files that aren't what the checkpoint says are refused; --fresh still works", arguments: Damage.allCases)
    func damage(_ damage: Damage) async throws {
        let reader = try OutputReader(maxFileSize: 1)
        let run = NDJSONRun(reader: reader)
        let first = try await run.open()
        try await run.begin(first)
        try await run.commit(1...5, first)
        await first.close()
        let users = try OutputReader.data(below: run.underWay).keys.filter { $0.hasPrefix("users/") }.sorted()
        let last = "\(run.underWay)/\(try #require(users.last))"
        let oldest = "\(run.underWay)/\(try #require(users.first))"
        switch damage {
        case .shorter: truncate(last, 20)
        case .finishedShorter: truncate(oldest, 20)
        case .changed:
            var bytes = try Data(contentsOf: URL(fileURLWithPath: last))
            bytes[15] ^= 1
            try bytes.write(to: URL(fileURLWithPath: last))
        case .missing: try FileManager.default.removeItem(atPath: last)
        case .noCheckpoint: try FileManager.default.removeItem(atPath: run.underWay + "/checkpoint.json")
        case .noFolder: try FileManager.default.removeItem(atPath: run.underWay)
        }
        let session = try await run.open()
        #expect(try await session.state().lastRun?.state == .running)
        let number = try await session.state().checkpoint?.commitNumber ?? 0
        let refusal = await pipelineError { _ = try await session.prepare(run.batch(number + 1)) }
        #expect(refusal?.kind == .ioError)
        #expect(refusal?.hint?.contains("--fresh") == true)
        try await session.abandonRun(run.id)
        try await run.begin(session)
        try await run.commit(1...NDJSONRun.batches, session)
        try await run.complete(session)
        #expect(try reader.rows(of: SinkFixture.tables(for: .append)[0]).count == 140)
    }

    @Test(
        "A folder or file that vanishes in the middle of a run is noticed by the next commit", arguments: [true, false])
    func vanished(whole: Bool) async throws {
        let reader = try OutputReader()
        let run = NDJSONRun(reader: reader)
        let session = try await run.open()
        try await run.begin(session)
        try await run.commit(1...2, session)
        _ = try await session.prepare(run.batch(3))
        let gone = whole ? run.underWay : run.underWay + "/users/00000.ndjson.gz"
        let kept = reader.folder.file("kept")
        try FileManager.default.moveItem(atPath: gone, toPath: kept)
        let refusal = await pipelineError { try await session.commit() }
        #expect(refusal?.kind == .ioError)
        #expect(refusal?.message.contains(gone) == true)
        await session.close()
        try FileManager.default.moveItem(atPath: kept, toPath: gone)
        let next = try await run.open()
        #expect(try await next.state().checkpoint?.commitNumber == 2)
        try await run.commit(3...NDJSONRun.batches, next)
        try await run.complete(next)
        #expect(try reader.rows(of: SinkFixture.tables(for: .append)[0]).count == 140)
    }
}
