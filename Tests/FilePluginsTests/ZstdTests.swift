import FilePlugins
import Foundation
import PipelineCore
import Testing

@Suite("Lists in zstd", .timeLimit(.minutes(5)))
struct ZstdTests {
    static let text = GzipTests.text
    static let ids = GzipTests.ids

    @Test("Cut off at every byte: an error, and before it whole IDs only; complete again, it goes on where it stopped")
    func cutOff() async throws {
        let folder = try TemporaryFolder()
        let bytes = Array(Self.text.utf8)
        let pieces = [Array(bytes[..<101]), Array(bytes[101..<203]), Array(bytes[203...])]
        let frames = try pieces.map { try zstd([$0], in: folder) } + [skippableFrame(3, Array("aside".utf8))]
        let whole = frames.flatMap { $0 }
        var ends: Set<Int> = []
        for frame in frames { ends.insert((ends.max() ?? 0) + frame.count) }
        for length in 0...whole.count {
            let path = try folder.write("ids.txt.zst", whole[..<length])
            let reading = try await Reading(makeReader(path), limit: 3)
            #expect((reading.error == nil) == ends.contains(length), "cut at \(length)")
            let count = reading.contents.count
            if reading.error == nil, length < whole.count {
                // A cut between two frames can't be told from the end; the last ID is what stands there.
                #expect(reading.contents.dropLast() == Self.ids.prefix(max(0, count - 1)))
                continue
            }
            #expect(reading.contents == Array(Self.ids.prefix(count)), "cut at \(length)")
            if let error = reading.error {
                #expect(error.kind == .noInput && error.message.contains("is cut off: "), "\(error.message)")
                #expect(error.hint?.contains("resumes") == true && error.message.contains("ids.txt.zst"))
                if count > 0 { #expect(error.message.contains("line \(count + 1) ")) }
            }
            try folder.write("ids.txt.zst", whole)
            let rest = try await Reading(makeReader(path), from: reading.records.last?.next ?? .start)
            #expect(reading.contents + rest.contents == Self.ids, "cut at \(length)")
        }
    }

    @Test("One byte changed anywhere: an error, unless the content is whole; the tool agrees")
    func changedBytes() async throws {
        let folder = try TemporaryFolder()
        let whole = try zstd([Array(Self.text.utf8)], in: folder)
        for mask: UInt8 in [0x55, 0x01, 0x80] {
            for index in 4..<whole.count {
                var bytes = whole
                bytes[index] ^= mask
                let reading = try await Reading(makeReader(folder.write("ids.txt.zst", bytes)))
                let place = "byte \(index), mask \(mask)"
                if reading.error == nil { #expect(reading.contents == Self.ids, Comment(rawValue: place)) }
                if let error = reading.error { #expect(error.kind == .noInput, Comment(rawValue: place)) }
            }
        }
        // The last four bytes are the checksum.
        var bytes = whole
        bytes[whole.count - 1] ^= 1
        let reading = try await Reading(makeReader(folder.write("ids.txt.zst", bytes)))
        #expect(reading.error?.message.contains("is corrupt zstd data (") == true)
    }

    @Test("Frames of a byte, empty ones and skippable ones, first and last too, whatever the name")
    func manyFrames() async throws {
        let folder = try TemporaryFolder()
        let frames = try (Self.text.utf8.map { [$0] } + [[], []]).reduce(into: [UInt8]()) { all, piece in
            all += try Self.frame(of: piece, in: folder)
        }
        let aside = (0..<16).flatMap { skippableFrame($0, [UInt8](repeating: $0, count: Int($0) * 20_000)) }
        for bytes in [frames, aside + frames, frames + aside, aside + frames + aside] {
            let reading = try await Reading(makeReader(folder.write("ids.gz", bytes), format: "lines"))
            #expect(reading.contents == Self.ids)
            #expect(reading.error == nil)
        }
        let nothing = try await Reading(makeReader(folder.write("ids.gz", aside), format: "lines"))
        #expect(nothing.error == nil && nothing.records.isEmpty)
    }

    /// A frame of one raw block without a checksum, written by hand: a process for each would take long.
    private static func frame(of content: [UInt8], in folder: TemporaryFolder) throws -> [UInt8] {
        [0x28, 0xB5, 0x2F, 0xFD, 0x20, UInt8(content.count)] + [UInt8(content.count) << 3 | 1, 0, 0] + content
    }

    @Test(
        "What follows the last frame is no zstd",
        arguments: [[0x41], [0, 0, 0, 0], Array("more\n".utf8), [0x1F, 0x8B, 8, 0], [0x27, 0xB5, 0x2F, 0xFD]]
            as [[UInt8]])
    func garbage(_ garbage: [UInt8]) async throws {
        let folder = try TemporaryFolder()
        let frames = try zstd([Array(Self.text.utf8)], in: folder)
        let reading = try await Reading(makeReader(folder.write("ids.txt.zst", frames + garbage)))
        #expect(reading.contents == Self.ids)
        #expect(reading.error?.message.contains("holds something other than zstd data behind its zstd data") == true)
    }

    @Test("A window that is too large is refused in every place of the file; one of 128 MiB is read")
    func windows() async throws {
        let folder = try TemporaryFolder()
        // Window of 2^exponent bytes, then one raw block of six bytes.
        func frame(_ exponent: UInt8, mantissa: UInt8 = 0) -> [UInt8] {
            [0x28, 0xB5, 0x2F, 0xFD, 0x00, (exponent - 10) << 3 | mantissa, 6 << 3 | 1, 0, 0] + Array("first\n".utf8)
        }
        let largest = try await Reading(makeReader(folder.write("ids.txt", frame(27))))
        #expect(largest.contents == ["first"] && largest.error == nil)
        for (bytes, mebibytes) in [
            (frame(27, mantissa: 1), 144), (frame(31), 2048), (frame(41, mantissa: 7), 3_932_160),
        ] {
            let alone = try await Reading(makeReader(folder.write("ids.txt", bytes)))
            let behind = try await Reading(makeReader(folder.write("ids.txt", frame(20) + bytes)))
            #expect(alone.contents == [] && behind.contents == ["first"])
            for reading in [alone, behind] {
                let message = "can't be unpacked within 128 MiB of memory: it asks for \(mebibytes) MiB"
                #expect(reading.error?.kind == .noInput && reading.error?.message.contains(message) == true)
                #expect(reading.error?.hint?.contains("zstd -d --long=31") == true)
            }
        }
        // A segment in whole counts as long as it is.
        let long: [UInt8] =
            [0x28, 0xB5, 0x2F, 0xFD, 0xE0, 0, 0, 0, 0, 1, 0, 0, 0, 6 << 3 | 1, 0, 0] + Array("first\n".utf8)
        let segment = try await Reading(makeReader(folder.write("ids.txt", long)))
        #expect(segment.error?.message.contains("it asks for 4096 MiB") == true)
    }

    @Test("A dictionary that isn't there")
    func dictionary() async throws {
        let folder = try TemporaryFolder()
        let bytes: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x21, 7, 2, 2 << 3 | 1, 0, 0] + Array("a\n".utf8)
        let reading = try await Reading(makeReader(folder.write("ids.txt", bytes)))
        #expect(reading.error?.message.contains("was compressed with a dictionary, which isn't at hand") == true)
    }

    @Test(
        "A file larger than all buffers, of frames that end anywhere, as the tool writes them",
        arguments: 0..<2 as Range<UInt64>)
    func whatTheToolWrote(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        let ids = (0..<100_000).map { _ in String(UInt64.random(in: 0...(1 << 40), using: &random)) }
        let text = Array(ids.map { $0 + "\n" }.joined().utf8)
        let pieces = stride(from: 0, to: text.count, by: 300_007).map {
            Array(text[$0..<min($0 + 300_007, text.count)])
        }
        let options = seed == 0 ? ["-1", "--no-check"] : ["-19", "--long=27"]
        let path = try folder.write("ids.txt", zstd(pieces, in: folder, options: options))
        let reader = try makeReader(path)
        let reading = try await Reading(reader)
        #expect(reading.contents == ids, "seed \(seed)")
        for index in [0, 1, 49_999, 99_998, 99_999] {
            let rest = try await Reading(reader, from: reading.records[index].next)
            #expect(rest.contents == Array(ids[(index + 1)...]), "seed \(seed)")
        }
        #expect(reader.inputSize == reading.records.last?.next.offset)
        let fresh = try makeReader(path)
        let cursor = try await fresh.open(at: .start)
        _ = try await cursor.next(limit: 10)
        #expect(try abs(Double(#require(fresh.inputSize)) / Double(text.count) - 1) < 0.25, "seed \(seed)")
        await cursor.close()
    }

    @Test(
        "Bytes changed, cut and repeated at random: read right, or one error",
        arguments: [UInt64.random(in: 0...999_999)])
    func fuzz(_ seed: UInt64) async throws {
        print("seed of the zstd fuzz: \(seed)")
        var random = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        let bytes = Array(Self.text.utf8)
        let whole = try zstd([Array(bytes[..<150]), Array(bytes[150...])], in: folder) + skippableFrame(0, [1, 2, 3])
        var damaged = 0
        for round in 0..<400 {
            var file = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let start = Int.random(in: 4..<file.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: file[start] = UInt8.random(in: 0...255, using: &random)
                case 1: file.removeSubrange(start..<min(file.count, start + Int.random(in: 1...9, using: &random)))
                default: file.insert(contentsOf: file[start..<min(file.count, start + 20)], at: start)
                }
                if file.count < 9 { file = whole }
            }
            let reading = try await Reading(makeReader(folder.write("ids.txt", file)), limit: 7)
            let place = Comment(rawValue: "seed \(seed), round \(round)")
            if let error = reading.error {
                damaged += 1
                #expect(error.kind == .noInput && error.message.contains("ids.txt"), place)
            } else {
                // Without a checksum flag, or with a frame that stands twice, other content may be right.
                #expect(file == whole || reading.contents == Self.ids || Self.accepts(file, in: folder), place)
            }
        }
        #expect(damaged > 200, "seed \(seed)")
    }

    /// What the tool says.
    private static func accepts(_ file: [UInt8], in folder: TemporaryFolder) -> Bool {
        let path = try? folder.write("tool.zst", file)
        let script =
            "import subprocess, sys; sys.exit(subprocess.run(['zstd', '-tq', sys.argv[1]], capture_output=True).returncode)"
        return path.flatMap { try? python(script, [$0]) } != nil
    }
}
