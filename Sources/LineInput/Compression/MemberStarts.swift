/// Where the members of a compressed file begin, from the last one that was asked for on.
struct MemberStarts {
    private var starts: [(compressed: UInt64, uncompressed: UInt64)] = []
    private var first = 0

    /// Takes the next member.
    mutating func note(compressed: UInt64, uncompressed: UInt64) {
        // An empty member holds nothing that could be asked for.
        if starts.count > first, starts.last?.uncompressed == uncompressed { starts.removeLast() }
        starts.append((compressed, uncompressed))
    }

    /// As `Decompressor.member(at:)`.
    mutating func member(at offset: UInt64) -> UInt64 {
        while first + 1 < starts.count, starts[first + 1].uncompressed <= offset { first += 1 }
        if first > 1024 {
            starts.removeFirst(first)
            first = 0
        }
        return first < starts.count ? starts[first].compressed : 0
    }
}
