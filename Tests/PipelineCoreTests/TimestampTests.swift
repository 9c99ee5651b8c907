import PipelineCore
import Testing

@Suite struct TimestampTests {
    /// Milliseconds by Python's datetime.
    static let readable: [(String, Int64)] = [
        ("2026-11-23", 1_795_392_000_000), ("2026-11-23T04:05:06Z", 1_795_406_706_000),
        ("2026-11-23T04:05:06.000Z", 1_795_406_706_000), ("20261123T040506Z", 1_795_406_706_000),
        ("2026-11-23T04:05:06+01:00", 1_795_403_106_000), ("2026-11-23T04:05:06-0530", 1_795_426_506_000),
        ("1969-12-31T23:59:59Z", -1000), ("2024-02-29", 1_709_164_800_000), ("9999-12-31", 253_402_214_400_000),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000), ("0001-01-01T00:00:00Z", -62_135_596_800_000),
    ]

    @Test(arguments: readable) func reads(_ text: String, _ milliseconds: Int64) {
        #expect(Timestamp(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "yesterday", "2026-02-30", "2026-13-01", "2026-1-1", "2026-11-23T", "2026-11-23T25:00:00Z",
        "2026-11-23T04:05:06", "2026-11-23T04:05:06.5Z", "2026-11-23Z", "２０２６-11-23", "2026-11-23 ",
        // In UTC these are in the years 10000 and 0.
        "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+00:01", "0000-12-31",
    ]) func refuses(_ text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test(arguments: readable) func writes(_ text: String, _ milliseconds: Int64) {
        let date = Timestamp(milliseconds: milliseconds)
        #expect(Timestamp(date.text) == date)
        #expect(Timestamp(date.compactText) == date)
    }

    @Test func writesMilliseconds() {
        #expect(Timestamp(milliseconds: 1_795_406_706_007).text == "2026-11-23T04:05:06.007Z")
        #expect(Timestamp(milliseconds: 1_795_406_706_007).compactText == "20261123T040506Z")
        #expect(Timestamp(milliseconds: -1).text == "1969-12-31T23:59:59.999Z")
    }
}
