/// A hash of names, seeded anew in each process so that nobody can prepare names that collide.
struct NameHash {
    private static let ofProcess = NameHash()
    /// Reading a global costs a check of its initialisation; a scanner keeps its own copy.
    static var current: NameHash { ofProcess }

    private let seed = UInt64.random(in: .min ... .max)
    private let multiplier = UInt64.random(in: .min ... .max) | 1

    /// Of the decoded name: `"a"` and `"\u0061"` have the same.
    @inline(__always)
    func of(_ base: UnsafePointer<UInt8>, _ end: Int, _ name: TapeNode) -> UInt64 {
        if name.flags.contains(.escaped) { return decoded(base, name) }
        return hash(base + Int(name.offset), Int(name.length))
    }

    @inline(never)
    private func decoded(_ base: UnsafePointer<UInt8>, _ name: TapeNode) -> UInt64 {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(name.length)) { scratch in
            guard let output = scratch.baseAddress else { return 0 }
            let count = JSONStrings.decode(base + Int(name.offset), Int(name.length), .kept, into: output)
            return hash(UnsafePointer(output), count)
        }
    }

    /// Folded multiplications over 8-byte words; the last word overlaps the one before it.
    @inline(__always)
    private func hash(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
        var state = seed ^ UInt64(truncatingIfNeeded: count)
        if count >= 8 {
            var index = 0
            while index &+ 8 < count {
                state = fold(state ^ JSONScanner.load(bytes + index), multiplier)
                index &+= 8
            }
            return fold(state ^ JSONScanner.load(bytes + (count &- 8)), multiplier)
        }
        var word: UInt64 = 0
        for index in 0..<count { word = word &<< 8 | UInt64(bytes[index]) }
        return fold(state ^ word, multiplier)
    }

    @inline(__always)
    private func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}

extension JSONScanner {
    /// Up to so many members a name is compared with those before it; beyond, a table is built when the object
    /// closes, so that the whole stays linear.
    static var fewMembers: Int { 16 }

    /// Marks the earlier member of this name, if there is one: of duplicates the last counts, whole.
    @inline(never)
    func dropEarlier(equalTo name: TapeNode, inObject object: Int) {
        var index = object + 1
        while index < count {
            let earlier = nodes[index]
            if earlier.hash == name.hash, !earlier.isDropped,
                JSONStrings.equal(base + Int(earlier.offset), earlier, base + Int(name.offset), name)
            {
                nodes[index].flags.insert(.dropped)
                return
            }
            index = Int(nodes[index + 1].end)
        }
    }

    /// The same for an object of many members, once it is complete.
    @inline(never)
    func dropDuplicates(inObject object: Int, members: Int) {
        let slots = 1 << (Int.bitWidth - (members * 2 - 1).leadingZeroBitCount)
        // Memory proportional to the members, which the document has paid for with at least five bytes each.
        let table = UnsafeMutablePointer<UInt32>.allocate(capacity: slots)
        defer { table.deallocate() }
        table.initialize(repeating: 0, count: slots)
        var index = object + 1
        while index < count {
            let name = nodes[index]
            var slot = Int(truncatingIfNeeded: names.of(base, end, name)) & (slots - 1)
            while table[slot] != 0 {
                let earlier = nodes[Int(table[slot])]
                if earlier.hash == name.hash,
                    JSONStrings.equal(base + Int(earlier.offset), earlier, base + Int(name.offset), name)
                {
                    nodes[Int(table[slot])].flags.insert(.dropped)
                    break
                }
                slot = (slot + 1) & (slots - 1)
            }
            table[slot] = UInt32(truncatingIfNeeded: index)
            index = Int(nodes[index + 1].end)
        }
    }
}
