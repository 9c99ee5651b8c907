import FilePlugins
import Foundation
import PipelineCore
import Testing

/// Lines that end with LF, CR LF or CR, wherever the reader's buffer or the file ends at the moment.
@Suite(.timeLimit(.minutes(2)))
struct LineEndTests {
    enum Format: String, Sendable, CaseIterable {
        case lines, csv, ndjson, whitespace
    }

    private func reader(_ folder: TemporaryFolder, _ format: Format, _ name: String, distinct: Bool = false) throws
        -> FileUserReader
    {
        let path = folder.file(name)
        switch format {
        case .lines: return try makeReader(path, format: "lines", distinct: distinct)
        case .whitespace: return try makeReader(path, format: "lines", separator: "whitespace", distinct: distinct)
        case .csv: return try makeReader(path, format: "csv", column: ["1"], header: false, distinct: distinct)
        case .ndjson: return try makeReader(path, format: "ndjson", column: ["id"], distinct: distinct)
        }
    }

    private func record(_ id: String, _ format: Format) -> String {
        format == .ndjson ? "{\"id\":\"\(id)\"}" : id
    }

    /// A break at each place around the end of the reader's buffer of 256 KiB, plain and gzip.
    @Test(arguments: Format.allCases, ["\r", "\r\n", "\r\r\n"])
    func breaksCrossTheBuffer(_ format: Format, _ ending: String) async throws {
        let folder = try TemporaryFolder()
        let short = record(String(repeating: "x", count: 2000), format) + "\n"
        let count = 262_144 / short.utf8.count - 10
        for shift in 0..<4 {
            let last = 262_144 - count * short.utf8.count - record("", format).utf8.count - shift
            let text =
                String(repeating: short, count: count) + record(String(repeating: "y", count: last), format) + ending
                + record("z", format)
            try folder.write("ids", text.utf8)
            try folder.write("packed", gzip([Array(text.utf8)], in: folder))
            for name in ["ids", "packed"] {
                let reader = try reader(folder, format, name)
                let reading = try await Reading(reader)
                #expect(reading.records.count == count + 2)
                #expect(reading.contents.last == "z")
                #expect(reading.lines.suffix(2) == [count + 1, count + (ending == "\r\r\n" ? 3 : 2)])
                let rest = try await Reading(reader, from: reading.records[count].next)
                #expect(rest.contents == ["z"])
                #expect(rest.lines == reading.lines.suffix(1))
            }
        }
    }

    /// A file that is written up to the CR of a CR LF when it is read: the LF that comes later ends no other line.
    @Test(arguments: Format.allCases.filter { $0 != .whitespace }, [false, true])
    func aLineFeedThatComesLaterIsNoLine(_ format: Format, _ distinct: Bool) async throws {
        let folder = try TemporaryFolder()
        let front = record("a", format) + "\r\n" + record("b", format) + "\r"
        try folder.write("ids", front.utf8)
        let reader = try reader(folder, format, "ids", distinct: distinct)
        let open = try await reader.open(at: .start)
        var records = try await open.next(limit: 2)
        #expect(records.count == 2)
        let end = try #require(records.last?.next)
        #expect(end.line == 2)
        // Looks beyond the end, so that what comes is seen to come later.
        let file = try #require(FileHandle(forWritingAtPath: folder.file("ids")))
        try file.seekToEnd()
        try file.write(contentsOf: Data(("\n" + record("c", format) + "\r\n").utf8))
        try file.close()
        while case let next = try await open.next(limit: 1), !next.isEmpty { records += next }
        await open.close()
        #expect(records.map(\.line) == [1, 2, 3])
        let rest = try await Reading(reader, from: end)
        #expect(rest.error == nil)
        #expect(rest.contents == ["c"])
        #expect(rest.lines == [3])
        #expect(rest.records.last?.next == records.last?.next)
    }
}
