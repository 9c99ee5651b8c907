internal import PipelineCore

/// Finds what a member's name means, in a few instructions: names of up to 16 bytes as two words, hashed into slots.
struct MemberTable: Sendable {
    private struct Slot {
        var low: UInt64
        var high: UInt64
        var length: Int
        var member: EndpointMember
    }

    private static let slotCount = 64
    private let slots: [Slot?]

    init(_ names: KeyValuePairs<StaticString, EndpointMember>) {
        var slots = [Slot?](repeating: nil, count: Self.slotCount)
        for (name, member) in names {
            let (low, high) = Self.words(name.utf8Start, name.utf8CodeUnitCount)
            var index = Self.slot(low, high)
            while slots[index] != nil { index = (index + 1) % Self.slotCount }
            slots[index] = Slot(low: low, high: high, length: name.utf8CodeUnitCount, member: member)
        }
        self.slots = slots
    }

    /// - Parameter node: The node of a member's name.
    @inline(__always)
    func find(_ node: TapeNode, _ contents: TapeContents) -> EndpointMember? {
        if node.flags.contains(.escaped) { return findEscaped(node, contents) }
        return find(contents.bytes + Int(node.offset), Int(node.length))
    }

    @inline(never)
    private func findEscaped(_ node: TapeNode, _ contents: TapeContents) -> EndpointMember? {
        // A lone surrogate or U+0000 would be replaced; no name that is known here holds U+FFFD.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(node.length)) { scratch in
            guard let start = scratch.baseAddress else { return nil }
            return find(UnsafePointer(start), contents.decode(node, into: start))
        }
    }

    @inline(__always)
    private func find(_ name: UnsafePointer<UInt8>, _ length: Int) -> EndpointMember? {
        guard length > 0, length <= 16 else { return nil }
        let (low, high) = Self.words(name, length)
        var index = Self.slot(low, high)
        while let slot = slots[index] {
            if slot.low == low, slot.high == high, slot.length == length { return slot.member }
            index = (index &+ 1) & (Self.slotCount &- 1)
        }
        return nil
    }

    /// The first and the last eight bytes, which overlap in a name shorter than 16; one shorter than eight fills one
    /// word.
    @inline(__always)
    private static func words(_ name: UnsafePointer<UInt8>, _ length: Int) -> (UInt64, UInt64) {
        if length >= 8 {
            let raw = UnsafeRawPointer(name)
            return (raw.loadUnaligned(as: UInt64.self), raw.loadUnaligned(fromByteOffset: length &- 8, as: UInt64.self))
        }
        var word: UInt64 = 0
        for index in 0..<length { word = word &<< 8 | UInt64(name[index]) }
        return (word, 0)
    }

    @inline(__always)
    private static func slot(_ low: UInt64, _ high: UInt64) -> Int {
        Int(truncatingIfNeeded: ((low ^ (high &* 3)) &* 0x9E37_79B9_7F4A_7C15) &>> 58)
    }
}
