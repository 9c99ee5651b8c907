import PipelineCore
import Testing

@Suite struct JSONNumberTests {
    private func read(_ text: String) -> JSONNumber.Reading {
        Array(text.utf8).withUnsafeBufferPointer { JSONNumber.read($0) }
    }

    @Test(
        arguments: [
            ("0", 0, true), ("-0", 0, true), ("-0.0", 0, true), ("6", 6, true), ("6.0", 6, true), ("6.00e0", 6, true),
            ("60e-1", 6, true), ("0.1", 0.1, true), ("0.1000000000000000055511151231257827", 0.1, false),
            ("1e23", 1e23, true),
            ("99999999999999991611392", 1e23, false), ("100000000000000000000000", 1e23, true),
            ("12345678901234567890", 12345678901234567168, false), ("9007199254740992", 9007199254740992, true),
            ("9007199254740993", 9007199254740992, false), ("5e-324", .leastNonzeroMagnitude, true),
            ("4.9e-324", .leastNonzeroMagnitude, false),
            ("1e-400", 0, false), ("0e-999999999999999999999", 0, true),
            ("1.7976931348623157e308", .greatestFiniteMagnitude, true),
            ("52.52001", 52.52001, true), ("0.30000000000000004", 0.1 + 0.2, true),
            ("123456789012345e22", 1.23456789012345e36, true),
            ("1e1", 10, true), ("1E+2", 100, true), ("-2.5e-7", -2.5e-7, true),
        ] as [(String, Double, Bool)])
    func nearestDoubleAndWhetherItSaysTheSame(_ text: String, _ value: Double, _ isExact: Bool) {
        #expect(read(text).value == value)
        #expect(read(text).isExact == isExact)
    }

    @Test func zeroKeepsItsSign() {
        #expect(read("-0.0").value.sign == .minus)
        #expect(read("0.0").value.sign == .plus)
    }

    @Test(arguments: ["1e309", "-1e999999", "1" + String(repeating: "0", count: 400)])
    func overflowIsInfinite(_ text: String) {
        #expect(read(text).value.isInfinite)
        #expect(!read(text).isExact)
    }

    /// Postgres 15: `select '1e131071'::numeric` works, `1e131072` overflows, and so on.
    @Test(arguments: [
        ("1", true), ("1e131071", true), ("1e131072", false), ("0.1e131072", true), ("10e131071", false),
        ("1e-16383", true), ("1e-16384", false), ("0e-16384", false), ("0e999999", true), ("0e1073741822", true),
        ("0e1073741823", false), ("0e99999999999", false), ("1.5e-16383", false),
        ("0." + String(repeating: "0", count: 16_383), true), ("0." + String(repeating: "0", count: 16_384), false),
        (String(repeating: "9", count: 131_072), true), (String(repeating: "9", count: 131_073), false),
        ("1e99999999999999999999999", false), ("1e-99999999999999999999999", false),
    ])
    func whatNumericHolds(_ text: String, _ fits: Bool) {
        #expect(Array(text.utf8).withUnsafeBufferPointer { JSONNumber.fitsNumeric($0) } == fits)
    }

    /// The decimal that Swift prints for a double is the shortest, so reading it back says the same.
    @Test func shortestDecimalsAreExact() {
        var generator = SystemRandomNumberGenerator()
        let seed = generator.next()
        print("seed \(seed)")
        var state = seed
        for _ in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let value = Double(bitPattern: state ^ (state >> 29))
            guard value.isFinite else { continue }
            #expect(read(value.description).value == value)
            #expect(read(value.description).isExact)
        }
    }
}
