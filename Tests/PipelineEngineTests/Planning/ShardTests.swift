import PipelineCore
import PipelineEngine
import Testing

@Suite struct ShardTests {
    /// Computed with Python: `int.from_bytes(hashlib.sha256(id.encode()).digest()[:8], "big") % n`.
    static let values: [(id: String, shards: [Int: Int])] = [
        ("user-000000", [2: 0, 3: 1, 7: 6, 64: 56, 4096: 504]),
        ("user-000001", [2: 1, 3: 0, 7: 0, 64: 45, 4096: 2413]),
        ("jane@example.com", [2: 0, 3: 0, 7: 3, 64: 46, 4096: 3886]),
        ("ünï", [2: 1, 3: 2, 7: 3, 64: 7, 4096: 4039]),
        ("a/b", [2: 1, 3: 2, 7: 6, 64: 29, 4096: 2973]),
        (" ", [2: 1, 3: 1, 7: 1, 64: 63, 4096: 767]),
        ("eu-central-1:0b5b2d5e-6f6c-4f0a-9c55-2f7a1a4d8b11", [2: 0, 3: 1, 7: 5, 64: 56, 4096: 3064]),
    ]

    @Test(arguments: values) func aUsersShardNeverChanges(id: String, shards: [Int: Int]) {
        for (count, index) in shards { #expect(Shard.shard(of: Array(id.utf8), count: count) == index) }
    }

    @Test(arguments: [1, 2, 3, 7, 64]) func everyRecordIsOneShards(count: Int) {
        let shards = (0..<count).map { Shard($0, of: count) }
        for number in 0..<500 {
            #expect(shards.filter { $0.owns(Array("user-\(number)".utf8)) }.count == 1)
            #expect(shards.filter { $0.owns(record: number) }.count == 1)
        }
    }
}
