/// The IDs met so far, compared byte by byte: two spellings of one accented letter are two IDs, as they are to the
/// service.
///
/// It costs the IDs' own bytes and about 24 more for each, twice that for a moment while it grows: some 60 MB for a
/// million IDs of 20 bytes.
struct SeenIDs {
    /// All IDs, one behind the other.
    private var arena: [UInt8] = []
    /// Where each ID ends in the arena.
    private var ends: [Int] = []
    /// An open-addressing table: 0, or the number of an ID, from 1, in the low half and its hash's high half above it.
    private var slots = [UInt64](repeating: 0, count: 1024)
    private static let tagMask: UInt64 = 0xFFFF_FFFF_0000_0000

    /// Adds an ID; false where it was there already.
    mutating func insert(_ id: String) -> Bool {
        var id = id
        return id.withUTF8 { insert(UnsafeRawBufferPointer($0)) }
    }

    private mutating func insert(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // Seeded for each process, so no list of IDs can be made to collide.
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        let hash = UInt64(truncatingIfNeeded: hasher.finalize())
        let tag = hash & Self.tagMask
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let entry = slots[slot]
            if entry & Self.tagMask == tag, holds(Int(entry & ~Self.tagMask) - 1, bytes) { return false }
            slot = (slot + 1) & mask
        }
        precondition(ends.count < Int(UInt32.max), "more than 4 billion distinct user IDs")
        arena.append(contentsOf: bytes)
        ends.append(arena.count)
        slots[slot] = tag | UInt64(ends.count)
        if ends.count * 4 > slots.count * 3 { grow() }
        return true
    }

    private func holds(_ index: Int, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let start = index == 0 ? 0 : ends[index - 1]
        return arena[start..<ends[index]].elementsEqual(bytes)
    }

    /// Doubles the table.
    private mutating func grow() {
        var larger = [UInt64](repeating: 0, count: 2 * slots.count)
        let mask = larger.count - 1
        for index in ends.indices {
            let start = index == 0 ? 0 : ends[index - 1]
            var hasher = Hasher()
            arena[start..<ends[index]].withUnsafeBytes { hasher.combine(bytes: $0) }
            let hash = UInt64(truncatingIfNeeded: hasher.finalize())
            var slot = Int(truncatingIfNeeded: hash) & mask
            while larger[slot] != 0 { slot = (slot + 1) & mask }
            larger[slot] = (hash & Self.tagMask) | UInt64(index + 1)
        }
        slots = larger
    }
}
