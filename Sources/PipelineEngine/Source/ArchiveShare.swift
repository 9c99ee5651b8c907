internal import PipelineCore

/// What a shard has of an archive.
package enum ArchiveShare: Sendable, Hashable {
    /// These files, by number, and all of their records; no other file is opened.
    case files(Set<Int>)
    /// One record in N of each file: there are fewer files than shards.
    case records(Shard)

    /// Deals an archive's names out, the largest first, each to the shard that has the fewest bytes so far; of names that
    /// are as large, and of shards that have as much, the first. Every process that finds the same names and sizes deals
    /// alike.
    init(of shard: Shard, in listing: [ListedFile]) {
        guard !shard.isWhole, listing.count(where: { $0.leftOut == nil }) >= shard.count else {
            self = .records(shard)
            return
        }
        let largestFirst = listing.indices.sorted { left, right in
            listing[left].size != listing[right].size ? listing[left].size > listing[right].size : left < right
        }
        var loads = [UInt64](repeating: 0, count: shard.count)
        var own: Set<Int> = []
        for number in largestFirst {
            let least = loads.indices.min { loads[$0] < loads[$1] } ?? 0
            loads[least] += listing[number].size
            if least == shard.index { own.insert(number) }
        }
        self = .files(own)
    }

    /// The files that are opened; nil for all of them.
    var files: Set<Int>? {
        switch self {
        case .files(let numbers): numbers
        case .records: nil
        }
    }

    func opens(file number: Int) -> Bool { files?.contains(number) ?? true }

    /// Whether a record of a file that is opened belongs to the shard.
    ///
    /// - Parameter number: in its file, from 0.
    func owns(record number: Int) -> Bool {
        switch self {
        case .files: true
        case .records(let shard): shard.owns(record: number)
        }
    }
}
