import FilePlugins
import Foundation
import PipelineCore
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ArchiveGzipTests {
    static let lines = (0..<40).map { #"{"Id":"e-\#($0 * 7919)"}"# }
    static let text = lines.map { $0 + "\n" }.joined()

    /// Members that end anywhere in a line: lines are whole, and positions tell the member that holds them.
    @Test func positionsNameTheMember() async throws {
        let folder = try TemporaryFolder()
        let bytes = Array(Self.text.utf8)
        let cuts = [0, 101, 101, 203, 204, 400, 401, 402, bytes.count]
        let pieces = zip(cuts, cuts.dropFirst()).map { Array(bytes[$0..<$1]) }
        let whole = try gzip(pieces, in: folder)
        // The oracle: where each member begins, from the sizes of the members alone.
        var starts: [(compressed: Int, uncompressed: Int)] = []
        var compressed = 0
        for (piece, cut) in zip(pieces, cuts) {
            if starts.last?.uncompressed == cut { starts.removeLast() }
            starts.append((compressed, cut))
            compressed += try gzip([piece], in: folder).count
        }
        try folder.makeFolder("in")
        try folder.write("in/b.gz", whole)
        let reading = try await ArchiveReading(folder.file("in"))
        #expect(reading.contents == Self.lines)
        #expect(reading.error == nil && reading.warnings.isEmpty)
        var offset = 0
        for (number, record) in reading.records.enumerated() {
            offset += Self.lines[number].utf8.count + 1
            let member = try #require(starts.last { $0.uncompressed <= offset })
            #expect(
                record.next
                    == Position(
                        token: "b.gz", offset: UInt64(offset), member: UInt64(member.compressed),
                        line: UInt64(number + 1)))
            #expect(record.line == number + 1)
        }
        #expect(reading.fractions.last == 1)
    }

    /// Cut off at every byte: whole lines, then one fault with file and line, and the next file follows.
    @Test func oneFaultWhereverAFileIsCutOff() async throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("in")
        let bytes = Array(Self.text.utf8)
        let whole = try gzip([Array(bytes[..<101]), Array(bytes[101..<203]), Array(bytes[203...])], in: folder)
        let first = try gzip([Array(bytes[..<101])], in: folder).count
        let second = try gzip([Array(bytes[101..<203])], in: folder).count
        try folder.write("in/z.ndjson", "{\"Id\":\"last\"}\n".utf8)
        let readable = try inflatedAtEveryLength(folder.write("whole", whole))
        var most = 0
        for length in 0..<whole.count {
            try folder.write("in/a.gz", whole[..<length])
            let reading = try await ArchiveReading(folder.file("in"), written: "in", limit: 3)
            #expect(reading.error == nil, "cut at \(length)")
            #expect(reading.contents.last == #"{"Id":"last"}"#, "cut at \(length)")
            let records = reading.records.dropLast()
            let complete = readable[length].components(separatedBy: "\n")
            if [first, first + second].contains(length) {
                // A cut between two members can't be told from the end; the last line is what stands there.
                #expect(Array(reading.contents.dropLast()) == complete.filter { !$0.isEmpty }, "cut at \(length)")
                continue
            }
            let fault = try #require(reading.faults.first, "cut at \(length)")
            #expect(reading.faults.count == 1 && fault.code == .damagedFile, "cut at \(length)")
            #expect(Array(reading.contents.prefix(records.count - 1)) == complete.dropLast(), "cut at \(length)")
            #expect(fault.raw == Array((complete.last ?? "").utf8), "cut at \(length)")
            let line = complete.count
            #expect(records.last?.line == line && records.last?.file == "in/a.gz")
            #expect(fault.message.hasPrefix("line \(line): in/a.gz is cut off: "), "\(fault.message)")
            most = max(most, records.count)
        }
        #expect(most > 10)
    }

    /// What Python's zlib makes of a file that is cut off, for each length.
    private func inflatedAtEveryLength(_ path: String) throws -> [String] {
        let output = try python(
            """
            import json, sys, zlib
            whole = open(sys.argv[1], 'rb').read()
            texts = []
            for length in range(len(whole)):
                data, text = whole[:length], b''
                while data:
                    member = zlib.decompressobj(31)
                    text += member.decompress(data)
                    data = member.unused_data
                texts.append(text.decode())
            print(json.dumps(texts))
            """, [path])
        return try JSONDecoder().decode([String].self, from: Data(output))
    }

    /// One byte changed anywhere behind the header: the lines in front count, and the damage is told, once.
    @Test func noticesChangedBytes() async throws {
        let folder = try TemporaryFolder()
        let whole = try gzip([Array(Self.text.utf8)], in: folder)
        for index in 10..<whole.count {
            var bytes = whole
            bytes[index] ^= 0x55
            let reading = try await ArchiveReading(folder.write("a.gz", bytes))
            #expect(reading.error == nil && reading.warnings.isEmpty, "byte \(index)")
            #expect(reading.faults.count == 1 && reading.contents.last == "<DamagedFile>", "byte \(index)")
        }
    }

    @Test(arguments: [[0x41], [0, 0, 7], Array("{\"Id\":\"x\"}\n".utf8)] as [[UInt8]])
    func garbageBehindTheLastMemberIsAFault(_ garbage: [UInt8]) async throws {
        let folder = try TemporaryFolder()
        let reading = try await ArchiveReading(
            folder.write("a", gzip([Array(Self.text.utf8)], in: folder) + garbage), written: "a")
        #expect(reading.contents == Self.lines + ["<DamagedFile>"])
        #expect(reading.places.last == "a:41")
    }

    /// Larger than all buffers, in members of any length, as the `gzip` tool writes them.
    @Test(arguments: 0..<2 as Range<UInt64>)
    func readsWhatTheToolWrote(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        let lines = (0..<60_000).map { _ in #"{"Id":"\#(UInt64.random(in: 0...(1 << 60), using: &random))"}"# }
        try folder.write("plain", lines.map { $0 + "\n" }.joined().utf8)
        let oracle = try python(
            """
            import json, subprocess, sys
            data = open(sys.argv[1], 'rb').read()
            starts = []
            with open(sys.argv[2], 'wb') as out:
                for start in range(0, len(data), 300007):
                    starts.append([start, out.tell()])
                    out.write(subprocess.run(['gzip', '-1'], input=data[start:start + 300007], capture_output=True,
                                             check=True).stdout)
            print(json.dumps(starts))
            """, [folder.file("plain"), folder.file("packed")])
        let starts = try JSONDecoder().decode([[UInt64]].self, from: Data(oracle))
        let reading = try await ArchiveReading(folder.file("packed"), limit: 777)
        #expect(reading.contents == lines, "seed \(seed)")
        for record in reading.records {
            let expected = starts.last { $0[0] <= record.next.offset }?[1]
            // A member that begins exactly where a buffer ended may not be known yet.
            if starts.contains(where: { $0[0] == record.next.offset }) { continue }
            #expect(record.next.member == expected, "seed \(seed), offset \(record.next.offset)")
        }
        #expect(reading.fractions == reading.fractions.sorted() && reading.fractions.last == 1)
        #expect(reading.fractions.first.map { $0 < 0.7 } == true)
    }

    /// The system fails a read: a fault, and the next file follows.
    @Test func aReadErrorIsAFault() async throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("in")
        try folder.link("in/a", to: "/proc/self/mem")
        try folder.write("in/b", "{}\n".utf8)
        let reading = try await ArchiveReading(folder.file("in"), written: "in")
        #expect(reading.contents == ["<DamagedFile>", "{}"])
        #expect(reading.faults.first?.message.hasPrefix("line 1: in/a can't be read: ") == true)
    }
}
