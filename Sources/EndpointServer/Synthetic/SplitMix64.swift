/// Steele, Lea and Flood's SplitMix64: the same numbers for the same seed, on every platform and in every version.
struct SplitMix64: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return SplitMix64.mix(state)
    }

    /// A number in `0..<bound`. The bias for bounds below 2^32 is under 2^-32.
    mutating func below(_ bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// True in `perMille` of a thousand cases.
    mutating func chance(_ perMille: Int) -> Bool { below(1000) < perMille }

    /// SplitMix64's finaliser, a bijection: distinct inputs stay distinct.
    static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A stable hash of a text's UTF-8 bytes: FNV-1a of 64 bits, started from the seed and finished by SplitMix64's finaliser.
/// Distinct salts give independent hashes of one text.
func stableHash(_ text: some Sequence<UInt8>, seed: UInt64, salt: UInt64 = 0) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ SplitMix64.mix(seed &+ salt &* 0x9E37_79B9_7F4A_7C15)
    for byte in text {
        hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
    }
    return SplitMix64.mix(hash)
}

/// A hash as a number in `0..<1`, from its upper 53 bits.
func unitInterval(_ hash: UInt64) -> Double { Double(hash >> 11) * 0x1p-53 }
