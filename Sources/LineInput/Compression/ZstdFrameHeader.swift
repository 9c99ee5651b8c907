/// The first bytes of a zstd frame (RFC 8878, 3.1.1): as much of them as has to be known before the frame is read.
struct ZstdFrameHeader {
    /// What has to be kept of a frame's content while it is read.
    let window: UInt64
    /// The frame was compressed with a dictionary, which has to be there for reading it.
    let needsDictionary: Bool

    /// No header is longer.
    static let longest = 18

    /// - Parameter bytes: of a frame, as many as a header may have, or as there are.
    /// - Returns: nil for a skippable frame, which has nothing in it, and for a header that is cut off.
    init?(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes.prefix(Self.longest))
        guard bytes.starts(with: FileSignature.zstd), bytes.count > 5 else { return nil }
        let descriptor = bytes[4]
        let isSingleSegment = descriptor & 0x20 != 0
        let dictionaryBytes = [0, 1, 2, 4][Int(descriptor & 3)]
        func number(at start: Int, length: Int) -> UInt64? {
            guard bytes.count >= start + length else { return nil }
            return bytes[start..<start + length].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        let afterWindow = isSingleSegment ? 5 : 6
        guard let dictionary = number(at: afterWindow, length: dictionaryBytes) else { return nil }
        needsDictionary = dictionary != 0
        guard isSingleSegment else {
            let base = UInt64(1) << (10 + bytes[5] >> 3)
            window = base + base / 8 * UInt64(bytes[5] & 7)
            return
        }
        // Then the content is kept as a whole.
        let sizeBytes = [1, 2, 4, 8][Int(descriptor >> 6)]
        guard let size = number(at: afterWindow + dictionaryBytes, length: sizeBytes) else { return nil }
        window = sizeBytes == 2 ? size + 256 : size
    }

    /// Whether bytes begin a frame, of data or skippable.
    static func isSignature(_ head: some Collection<UInt8>) -> Bool {
        head.starts(with: FileSignature.zstd) || (head.count >= skippable.count && mayBeSkippable(head.prefix(4)))
    }

    /// Whether bytes may be the beginning of a signature that is cut off.
    static func isCutSignature(_ head: some Collection<UInt8>) -> Bool {
        head.count < skippable.count && (FileSignature.zstd.starts(with: head) || mayBeSkippable(head))
    }

    /// One of the sixteen numbers from 0x184D2A50 on.
    private static let skippable: [UInt8] = [0x50, 0x2A, 0x4D, 0x18]

    private static func mayBeSkippable(_ head: some Collection<UInt8>) -> Bool {
        zip(skippable.indices, head).allSatisfy { place, byte in
            place == 0 ? byte & 0xF0 == skippable[0] : byte == skippable[place]
        }
    }
}
