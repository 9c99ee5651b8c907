/// The first bytes of files that aren't plain text.
enum FileSignature {
    static let gzip: [UInt8] = [0x1F, 0x8B]
    /// Of a frame with data.
    static let zstd: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
    static let xz: [UInt8] = [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]
    static let zip: [UInt8] = [0x50, 0x4B, 0x03, 0x04]
    /// With a level, which a digit says, and a block's mark behind it.
    static let bzip2 = Array("BZh".utf8)
}
