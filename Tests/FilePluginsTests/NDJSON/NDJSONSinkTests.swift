import FilePlugins
import Foundation
import PipelineCore
import PipelineTesting
import Testing

@Suite("The NDJSON sink", .timeLimit(.minutes(5)))
struct NDJSONSinkTests {
    private static let interruptions: [(FileCompression, mode: WriteMode, maxFileSize: Int)] =
        [1, 700, 1 << 30].flatMap { [(.gzip, .append, $0), (.gzip, .replace, $0), (.zstd, .append, $0)] }
        + [(.zstd, .replace, 700), (.none, .append, 1), (.none, .replace, 700)]

    /// What a killed process leaves behind is a copy of its folder: after each step one is taken, and gone on with.
    @Test(
        "Wherever a run is interrupted, its files end as the same bytes",
        arguments: interruptions)
    func sameBytes(_ compression: FileCompression, mode: WriteMode, maxFileSize: Int) async throws {
        let reader = try OutputReader(compression, maxFileSize: maxFileSize)
        let ending = try #require(
            [FileCompression.gzip: "ndjson.gz", .zstd: "ndjson.zst", .none: "ndjson"][compression])
        let run = SinkRun(mode: mode)
        let copies = try TemporaryFolder()
        var taken: [(path: String, committed: Int)] = []
        func take(_ committed: Int) throws {
            let path = copies.file("copy-\(taken.count)")
            try FileManager.default.copyItem(atPath: reader.path, toPath: path)
            taken.append((path, committed))
        }
        let session = try await reader.open(run)
        try await run.begin(session)
        try take(0)
        for number in 1...SinkRun.batches {
            _ = try await session.prepare(run.batch(number))
            try take(number - 1)
            try await session.commit()
            try take(number)
        }
        _ = try await session.prepareCompletion(state: .complete, finishedAt: SinkFixture.logicalDate)
        try take(SinkRun.batches)
        try await session.commit()
        await session.close()
        let expected = try OutputReader.files(below: reader.published(run))
        #expect(expected.count >= 6)
        if maxFileSize == 1 { #expect(expected["endpoints/00005.\(ending)"] != nil) }
        if maxFileSize == 1 << 30 { #expect(expected.count == 6) }
        for (path, committed) in taken {
            // A batch that never came leaves longer junk than the one that comes.
            for name in ["users/00000.\(ending)", "endpoints/00000.\(ending)"] where committed == 0 {
                try append([UInt8](repeating: 7, count: 5000), to: "\(path)/.sluice/\(run.id)/\(name)")
            }
            let next = try await reader.open(run, at: path)
            #expect(try await next.state().checkpoint?.commitNumber == committed)
            if committed < SinkRun.batches { try await run.commit((committed + 1)...SinkRun.batches, next) }
            try await run.complete(next)
            #expect(try OutputReader.files(below: "\(path)/runs/\(run.id)") == expected, "after commit \(committed)")
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
        let run = SinkRun()
        let session = try await reader.open(run)
        try await run.begin(session)
        for number in 1...SinkRun.batches {
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
                """, [reader.underWay(run)])
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
            """, [reader.published(run)])
        #expect(tested.integer == 5)
        #expect(target(ofLink: reader.path + "/current") == "runs/\(run.id)")
    }

    private func target(ofLink path: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: path)
    }

    @Test(
        "What is committed of zstd is whole frames, each with its size and checksum; published, a file without rows is one"
    )
    func frames() async throws {
        let reader = try OutputReader(.zstd)
        let run = SinkRun()
        let session = try await reader.open(run)
        try await run.begin(session)
        var usersBefore = 0
        var withUsers = 0
        for number in 1...SinkRun.batches {
            try await run.commit(number...number, session)
            let rows = try PythonProcess.shared.run(
                """
                import json, subprocess
                folder = arguments[0]
                checkpoint = json.load(open(folder + "/checkpoint.json"))
                result = {}
                for table in checkpoint["tables"]:
                    current = table["current"]
                    data = open(f'{folder}/{table["name"]}/{current["number"]:05}.ndjson.zst', "rb").read()[:current["bytes"]]
                    text = data and subprocess.run(["zstd", "-dc"], input=data, check=True, capture_output=True).stdout
                    assert len(text) == current["length"] and text.count(b"\\n") == current["rows"]
                    for line in text.splitlines(): json.loads(line)
                    result[table["name"]] = current["rows"]
                """, [reader.underWay(run)])
            let counts = try await session.state().checkpoint?.counts.rows
            #expect(rows["users"]?.integer == counts?["users"].map(Int64.init))
            #expect(rows["endpoints"]?.integer == counts?["endpoints"].map(Int64.init))
            #expect(rows["failures"]?.integer == 0)
            // A batch without rows of a table has no frame there.
            let users = counts?["users"] ?? 0
            if users > usersBefore { withUsers += 1 }
            usersBefore = users
        }
        try await run.complete(session)
        let listed = try PythonProcess.shared.run(
            """
            import glob, os, subprocess
            files = sorted(glob.glob(arguments[0] + "/*/*.zst"))
            subprocess.run(["zstd", "-tq", *files], check=True, capture_output=True)
            result = {}
            for file in files:
                told = subprocess.run(["zstd", "-lv", file], check=True, capture_output=True).stdout.decode()
                assert "Check: XXH64" in told and "Decompressed Size" in told, told
                result[file.split("/")[-2]] = open(file, "rb").read().count(b"\\x28\\xb5\\x2f\\xfd")
            empty = open(arguments[0] + "/failures/00000.ndjson.zst", "rb").read()
            assert subprocess.run(["zstd", "-dc"], input=empty, check=True, capture_output=True).stdout == b""
            """, [reader.published(run)])
        #expect(withUsers > 1 && listed["users"]?.integer == Int64(withUsers) && listed["failures"]?.integer == 1)
    }

    @Test("A batch is cut into the same segments however many processors there are; big batches are whole")
    func bigBatch() async throws {
        let reader = try OutputReader(level: 1)
        let run = SinkRun()
        let session = try await reader.open(run)
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
            """, [reader.published(run), String(users)])
        #expect(rows.boolean == true)
    }

    @Test(
        "Levels give different sizes of the same text, and so does no compression",
        arguments: [(.gzip, 1), (.gzip, 9), (.zstd, 1), (.zstd, 3), (.zstd, 19), (.none, nil)]
            as [(FileCompression, Int?)])
    func levels(_ compression: FileCompression, level: Int?) async throws {
        let reader = try OutputReader(compression, level: level)
        try await reader.whole(SinkRun())
        let other = try OutputReader(level: 6)
        try await other.whole(SinkRun())
        for table in SinkFixture.tables(for: .append) { #expect(try reader.rows(of: table) == other.rows(of: table)) }
    }
}
