import PipelineConfig
import PipelineCore
import Testing

@Suite struct FingerprintTests {
    private func texts(_ yaml: String, _ environment: [String: String] = DecodingTests.environment) throws -> [String] {
        try Fakes.load(yaml, environment).fingerprintTexts { "hash of \($0.count) bytes" }
            .map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func canonicalText() throws {
        let texts = try texts(DecodingTests.nightly)
        #expect(texts.count == 2)
        #expect(
            texts[0] == #"{"batch_size":250,"flatten":{"layout":"normalized"},"#
                + #""sink":{"options":{"mode":"merge"},"type":"sqlite"},"#
                + #""source":{"options":{"application_id":"0123e4"},"type":"pinpoint"},"#
                + #""transforms":[{"options":{"where":{"ChannelType":["EMAIL","SMS"],"EndpointStatus":["ACTIVE"]}},"#
                + #""type":"filter"},{"options":{"key":{"hash":"hash of 16 bytes"},"#
                + #""paths":[["Address"],["Attributes","e-mail"]],"with":"hmac-sha256"},"type":"mask"}]}"#)
        #expect(texts[1].contains(#""sink":{"options":{"level":9,"max_file_size":65536},"type":"ndjson"}"#))
        #expect(texts[1].hasSuffix(#",{"options":{"paths":[["Address"]],"with":"redact"},"type":"mask"}]}"#))
        #expect(texts.allSatisfy { !$0.contains("0123456789abcdef") })
    }

    /// Spelling and order, and what shapes nothing, leave it as it is.
    @Test(arguments: [
        ("concurrency: 32", "concurrency: 64"), ("max_failed: 2.5%", "max_failed: 3"), ("burst: 30", "burst: 31"),
        ("path: users.csv", "path: others.csv"), ("region: eu-central-1", "region: us-east-1"),
        ("batch_size: 250", "batch_size: '${SIZE:-250}'"), (", mode: merge", ""), ("64KB", "65536B"),
        (
            "{ChannelType: [EMAIL, SMS], EndpointStatus: [ACTIVE]}",
            "{EndpointStatus: [ACTIVE], ChannelType: [EMAIL, SMS]}"
        ),
        ("paths: [Address, [Attributes, e-mail]]", "paths: [[Address], [Attributes, e-mail]]"),
        ("name: masked", "name: other"), ("flatten:\n  layout: normalized\n", ""), ("pipeline: nightly", "pipeline: x"),
    ])
    func unchanged(old: String, new: String) throws {
        #expect(DecodingTests.nightly.contains(old))
        let changed = DecodingTests.nightly.split(separator: old, omittingEmptySubsequences: false).joined(
            separator: new)
        #expect(try texts(changed) == texts(DecodingTests.nightly))
    }

    @Test(arguments: [
        ("${PINPOINT_APP_ID}", "other"), ("batch_size: 250", "batch_size: 251"), ("mode: merge", "mode: append"),
        ("EMAIL, SMS", "SMS, EMAIL"), ("${MASK_KEY}", "0123456789abcdefg"), ("with: hmac-sha256", "with: redact"),
    ])
    func changed(old: String, new: String) throws {
        #expect(DecodingTests.nightly.contains(old))
        let changed = DecodingTests.nightly.split(separator: old, omittingEmptySubsequences: false).joined(
            separator: new)
        #expect(try texts(changed)[0] != texts(DecodingTests.nightly)[0])
    }

    /// Runs that began before the option came have a fingerprint without it.
    @Test func anOptionThatCameLaterIsLeftOutAtItsDefault() throws {
        func with(_ padding: String) -> String {
            DecodingTests.nightly.split(separator: "level: 9").joined(separator: "level: 9, padding: \(padding)")
        }
        let before = try texts(DecodingTests.nightly)
        #expect(!before[1].contains("padding"))
        #expect(try texts(with("1024B"))[1] == before[1])
        #expect(try texts(with("12B"))[1].contains(#""padding":12"#))
    }

    @Test func eachSinkHasItsOwn() throws {
        let changed = DecodingTests.nightly.split(separator: "level: 9").joined(separator: "level: 8")
        #expect(try texts(changed)[0] == texts(DecodingTests.nightly)[0])
        #expect(try texts(changed)[1] != texts(DecodingTests.nightly)[1])
    }
}
