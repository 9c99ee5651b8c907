import Foundation
import PipelineConfig
import PipelineCore
import Testing

/// Documents damaged at random: there is always an answer, and each error stands inside the file.
@Suite struct MutationTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            // SplitMix64
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static let tokens: [String] = [
        "\n", "  ", "\t", ": ", "- ", "? ", "[", "]", "{", "}", ",", "#", "&a ", "*a", "<<: *a", "!!int ", "!x ", "|",
        ">-",
        "\"", "'", "%", "@", "---\n", "...\n", "${", "}", "${X}", "$${", "~", "null", "\r\n", "\u{FEFF}", "\u{2028}",
        "\\x41", "\u{F0000}", "\u{0}", "é", "type: ", "path: ", "sinks:\n", "batch_size: 1\n", "999999999999999999999",
    ]

    private static func mutate(_ text: [UInt8], _ random: inout Generator) -> [UInt8] {
        var text = text
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let place = Int.random(in: 0...text.count, using: &random)
            let end = min(text.count, place + Int.random(in: 0...20, using: &random))
            switch Int.random(in: 0..<6, using: &random) {
            case 0: text.removeSubrange(place..<end)
            case 1:
                text.insert(contentsOf: Array(text[place..<end]), at: Int.random(in: 0...text.count, using: &random))
            case 2: text.insert(UInt8.random(in: 0...255, using: &random), at: place)
            case 3:
                // A whole line once more, somewhere else: duplicate keys.
                let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                if let line = lines.randomElement(using: &random), let other = lines.randomElement(using: &random) {
                    text.insert(contentsOf: line + [UInt8(ascii: "\n")], at: other.startIndex)
                }
            default:
                if let token = tokens.randomElement(using: &random) { text.insert(contentsOf: token.utf8, at: place) }
            }
        }
        return text
    }

    @Test(.timeLimit(.minutes(10)))
    func neverCrashes() {
        let seed = UInt64.random(in: 0 ... .max)
        print("mutations, seed \(seed)")
        var random = Generator(state: seed)
        let rounds = ProcessInfo.processInfo.environment["SLUICE_MUTATIONS"].flatMap(Int.init) ?? 1_500
        var accepted = 0
        for round in 0..<rounds {
            let text = Self.mutate(Array(DecodingTests.nightly.utf8), &random)
            do throws(ConfigurationErrors) {
                _ = try Fakes.loader(DecodingTests.environment).load(text, path: "p.yaml")
                accepted += 1
            } catch {
                #expect(!error.diagnostics.isEmpty)
                #expect(error.diagnostics.contains { $0.severity == .error })
                let places = error.diagnostics.compactMap(\.place)
                #expect(places == places.sorted(), "seed \(seed), round \(round)")
                // Every character that may end a line, so that the bound holds however lines are counted.
                let lines =
                    String(decoding: text, as: UTF8.self).unicodeScalars.count { $0.properties.isWhitespace } + 2
                #expect(places.allSatisfy { $0.line <= lines && $0.column <= text.count + 2 })
                #expect(!error.description.contains("0123456789abcdef"), "seed \(seed), round \(round)")
            }
        }
        // Some damage hits comments alone.
        #expect(accepted > 0, "seed \(seed)")
        #expect(accepted < rounds, "seed \(seed)")
    }

    /// Aliases that would make a document of ten billion values, as values and as keys.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            "l: *a10", "? *a10\n: x", "*a10 : x", "? [*a10]\n: x", "[*a10]: x", "f: {[*a10]:x}", "f: {?*a10 : x}",
            "f: {\"k\":1, *a10 : x}", "f: {a: \"x\n \", *a10 : y}", "f: {a: \" # \", {*a10 : y}:z}",
            "f: {{a: *a10, b: \"${x\"}:y}", "&k [*a10]: x", "? - *a10\n: x", "f: [*a10 : x]", "- ? *a10",
        ])
    func aliasesDoNotMultiply(last: String) {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...10 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            yaml += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(!Fakes.errors(yaml + last + "\n").isEmpty)
    }

    /// Values that stand side by side in the file and are nested through aliases: freeing them must not use up the stack.
    @Test(arguments: ["[", "- ", "{a: "])
    func aliasesDoNotNest(open: String) {
        let close = open == "[" ? "]" : open == "- " ? "" : "}"
        var yaml = "a0: &a0 x\n"
        for level in 1..<150 {
            let alias = "*a\(level - 1)"
            yaml += "a\(level): &a\(level)\n  " + String(repeating: open, count: 900) + alias
            yaml += String(repeating: close, count: 900) + "\n"
        }
        #expect(!Fakes.errors(yaml).isEmpty)
    }

    /// What only looks like a key made of aliases.
    @Test func aliasesBesideReferencesAndQuestionMarks() throws {
        let yaml = """
            pipeline: p
            # Why? Because.
            source: {type: pinpoint, application_id: &a "${A}", users: {type: file, path: "a?b"}}
            sinks:
              - &s {type: ndjson, path: out, url: "postgres://${A}:5432/x?a=b"}
              - {<<: *s, name: two, path: other, url: "postgres://${A}:5432/x?a=b"}
            """
        let configuration = try Fakes.load(yaml, ["A": "host"])
        #expect(configuration.sinks.map(\.name) == ["ndjson", "two"])
    }

    @Test(arguments: [
        String(repeating: "[", count: 900) + String(repeating: "]", count: 900), String(repeating: "[", count: 50_000),
        String(repeating: "- ", count: 50_000),
        String(repeating: "{a: ", count: 900) + String(repeating: "}", count: 900),
        String(repeating: "a: 1\n", count: 500), String(repeating: "- [a]\n", count: 10_000),
        "transforms: " + String(repeating: "[", count: 70) + String(repeating: "]", count: 70),
    ])
    func deepAndLong(yaml: String) {
        #expect(!Fakes.errors(yaml).isEmpty)
    }
}
