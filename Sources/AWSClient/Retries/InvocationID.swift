/// The ID that a call's attempts share.
enum InvocationID {
    /// A random UUID, version 4.
    static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        let high = (generator.next() & 0xffff_ffff_ffff_0fff) | 0x4000
        let low = (generator.next() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (index, shift) in zip(0..<32, (0..<16).reversed().map { $0 * 4 } + (0..<16).reversed().map { $0 * 4 }) {
            if [8, 12, 16, 20].contains(index) { text.append(UInt8(ascii: "-")) }
            let nibble = UInt8(truncatingIfNeeded: (index < 16 ? high : low) >> UInt64(shift)) & 15
            text.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
