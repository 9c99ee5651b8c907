import FilePlugins
import Foundation
import PipelineCore
import Testing

@Suite(.timeLimit(.minutes(5)))
struct GzipTests {
    static let text = (0..<40).map { "user-\($0 * 7919)\n" }.joined()
    static var ids: [String] { text.split(separator: "\n").map(String.init) }

    /// Cut off at every byte: an error, and in front of it whole IDs only. Complete again: it goes on where it stopped.
    @Test func endsWithAnErrorWhereverItIsCutOff() async throws {
        let folder = try TemporaryFolder()
        let bytes = Array(Self.text.utf8)
        let whole = try gzip([Array(bytes[..<101]), Array(bytes[101..<203]), Array(bytes[203...])], in: folder)
        let first = try gzip([Array(bytes[..<101])], in: folder).count
        let second = try gzip([Array(bytes[101..<203])], in: folder).count
        for length in 0...whole.count {
            let path = try folder.write("ids.txt.gz", whole[..<length])
            let reading = try await Reading(makeReader(path), limit: 3)
            let isComplete = [first, first + second, whole.count].contains(length)
            #expect((reading.error == nil) == isComplete, "cut at \(length)")
            let count = reading.contents.count
            if isComplete && length < whole.count {
                // A cut between two members can't be told from the end; the last ID is what stands there.
                #expect(reading.contents.dropLast() == Self.ids.prefix(max(0, count - 1)))
                continue
            }
            #expect(reading.contents == Array(Self.ids.prefix(count)), "cut at \(length)")
            if let error = reading.error {
                #expect(error.kind == .noInput)
                #expect(error.hint?.contains("resumes") == true)
                #expect(error.message.contains("ids.txt.gz"))
                if count > 0 { #expect(error.message.contains("line \(count + 1) ")) }
            }
            try folder.write("ids.txt.gz", whole)
            let rest = try await Reading(makeReader(path), from: reading.records.last?.next ?? .start)
            #expect(reading.contents + rest.contents == Self.ids, "cut at \(length)")
        }
    }

    /// One byte changed anywhere: an error, unless Python's gzip too finds the content whole.
    @Test func noticesEveryChangedByte() async throws {
        let folder = try TemporaryFolder()
        let whole = try gzip([Array(Self.text.utf8)], in: folder)
        for index in 2..<whole.count {
            var bytes = whole
            bytes[index] ^= 0x55
            let reading = try await Reading(makeReader(folder.write("ids.txt.gz", bytes)))
            if reading.error == nil { #expect(reading.contents == Self.ids, "byte \(index)") }
            // Method, flags, deflate data and trailer; the header's time, level and system don't matter.
            if !(4..<10).contains(index), index != 3 { #expect(reading.error?.kind == .noInput, "byte \(index)") }
        }
    }

    @Test func readsManyMembersAndPadding() async throws {
        let folder = try TemporaryFolder()
        let pieces = Self.text.utf8.map { [$0] } + [[], []]
        let members = try gzip(pieces, in: folder)
        for padding in [0, 1, 511, 600_000] {
            let path = try folder.write("ids.dat", members + [UInt8](repeating: 0, count: padding))
            let reading = try await Reading(makeReader(path, format: "lines"))
            #expect(reading.contents == Self.ids)
            #expect(reading.error == nil)
        }
    }

    @Test(arguments: [[0x41], [0x1F], [0, 0, 7], [UInt8](repeating: 0, count: 300_000) + [0x1F, 0x8B]] as [[UInt8]])
    func refusesWhatFollowsTheLastMember(_ garbage: [UInt8]) async throws {
        let folder = try TemporaryFolder()
        let members = try gzip([Array(Self.text.utf8)], in: folder)
        let reading = try await Reading(makeReader(folder.write("ids.txt.gz", members + garbage)))
        #expect(reading.contents == Self.ids)
        #expect(reading.error?.kind == .noInput)
    }

    /// A file larger than all buffers, of members that end anywhere, as the `gzip` tool writes them.
    @Test(arguments: 0..<2 as Range<UInt64>)
    func readsWhatTheToolWrote(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        let ids = (0..<100_000).map { _ in String(UInt64.random(in: 0...(1 << 40), using: &random)) }
        try folder.write("plain", ids.map { $0 + "\n" }.joined().utf8)
        _ = try python(
            """
            import subprocess, sys
            data = open(sys.argv[1], 'rb').read()
            with open(sys.argv[2], 'wb') as out:
                for start in range(0, len(data), 300007):
                    out.write(subprocess.run(['gzip', '-1'], input=data[start:start + 300007], capture_output=True,
                                             check=True).stdout)
            """, [folder.file("plain"), folder.file("ids.txt")])
        let reader = try makeReader(folder.file("ids.txt"))
        let reading = try await Reading(reader)
        #expect(reading.contents == ids, "seed \(seed)")
        for index in [0, 1, 49_999, 99_998, 99_999] {
            let rest = try await Reading(reader, from: reading.records[index].next)
            #expect(rest.contents == Array(ids[(index + 1)...]), "seed \(seed)")
        }
        // Once the end was read, the size is known; before, it is estimated.
        #expect(reader.inputSize == reading.records.last?.next.offset)
        let fresh = try makeReader(folder.file("ids.txt"))
        #expect(fresh.inputSize == nil)
        let cursor = try await fresh.open(at: .start)
        _ = try await cursor.next(limit: 10)
        let size = Double(try #require(reader.inputSize))
        #expect(try abs(Double(#require(fresh.inputSize)) / size - 1) < 0.2, "seed \(seed)")
        await cursor.close()
        let plain = try makeReader(folder.file("plain"), format: "lines")
        await (try plain.open(at: .start)).close()
        #expect(plain.inputSize == reading.records.last?.next.offset)
    }

    /// Damage in the middle of a CSV file names the line on which the record begins, and gives up half a row.
    @Test func saysAtWhichRowACSVFileIsCutOff() async throws {
        let folder = try TemporaryFolder()
        let rows = "id,text\n" + (0..<50).map { "\($0),\"two\nlines\"\n" }.joined()
        let whole = try gzip([Array(rows.utf8)], in: folder)
        var seen: Set<Int> = []
        for length in 2..<whole.count {
            let reading = try await Reading(
                makeReader(folder.write("ids.csv.gz", whole[..<length]), column: ["id"]))
            let error = try #require(reading.error)
            #expect(reading.contents == (0..<reading.records.count).map(String.init))
            if !reading.records.isEmpty {
                #expect(error.message.contains("line \(2 * reading.records.count + 2) "))
                seen.insert(reading.records.count)
            }
        }
        #expect(seen.count > 2)
    }
}
