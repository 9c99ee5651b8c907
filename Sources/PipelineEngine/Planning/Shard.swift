internal import Crypto

/// Which part of an input a process has: shard `index` of `count`.
///
/// Users are dealt out by a hash of their ID, so that all records of one user are one shard's, on every machine and for
/// ever: the first 8 bytes of SHA-256 over the ID's UTF-8 bytes, as a big-endian number, modulo `count`. Of 3 shards,
/// `user-000000` belongs to shard 1, `jane@example.com` to 0, `ünï` to 2. Archives are dealt out by
/// file; see `ArchiveShare`.
public struct Shard: Sendable, Hashable {
    /// From 0.
    public let index: Int
    public let count: Int

    /// No more shards than this.
    public static let mostShards = 4096
    /// All of it.
    public static let whole = Shard(0, of: 1)

    /// - Precondition: `0 ≤ index < count ≤ mostShards`
    public init(_ index: Int, of count: Int) {
        precondition((0..<count).contains(index) && count <= Self.mostShards, "no such shard")
        self.index = index
        self.count = count
    }

    public var isWhole: Bool { count == 1 }

    /// Whether a user's records are this shard's; input without a usable ID goes by its own bytes.
    package func owns(_ userID: [UInt8]) -> Bool { isWhole || Self.shard(of: userID, count: count) == index }

    /// Whether an archive's record is this shard's, where there are fewer files than shards.
    ///
    /// - Parameter number: in its file, from 0.
    package func owns(record number: Int) -> Bool { isWhole || number % count == index }

    /// The shard of a user.
    package static func shard(of userID: [UInt8], count: Int) -> Int {
        var number: UInt64 = 0
        for byte in SHA256.hash(data: userID).prefix(8) { number = number << 8 | UInt64(byte) }
        return Int(number % UInt64(count))
    }
}
