internal import ArgumentParser
internal import Foundation
internal import PipelineEngine

/// Options that say which part of the input a process has.
struct InputPart: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Do shard I of N alone, from 0: users by a hash of their ID, an archive's records in turn.",
            valueName: "i/n"),
        transform: { text in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
            guard parts.count == 2, let index = parts[0], let count = parts[1],
                (1...Shard.mostShards).contains(count), (0..<count).contains(index)
            else {
                throw ValidationError(
                    "'\(text)' is no shard such as 0/4: its number from 0, and how many there are, at most "
                        + "\(Shard.mostShards).")
            }
            return Shard(index, of: count)
        })
    var shard: Shard?

    @Option(
        help: ArgumentHelp(
            "Do one of N shards: the one that JOB_COMPLETION_INDEX or AWS_BATCH_JOB_ARRAY_INDEX names.",
            valueName: "n"))
    var shards: Int?

    @Option(help: ArgumentHelp("Take the input to end after N records; never publishes a replace.", valueName: "n"))
    var limit: Int?

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1.") }
        if let shards, !(1...Shard.mostShards).contains(shards) {
            throw ValidationError("--shards must be 1 to \(Shard.mostShards).")
        }
        if let shard, let shards, shard.count != shards {
            throw ValidationError("--shard names one of \(shard.count) shards, but --shards says \(shards).")
        }
    }

    /// - Throws: `ValidationError` where `shards` is given and no variable says which of them is meant.
    func chosenShard(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> Shard {
        if let shard { return shard }
        guard let shards else { return .whole }
        let names = ["JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX"]
        guard let name = names.first(where: { environment[$0] != nil }), let text = environment[name] else {
            throw ValidationError(
                "--shards says how many there are; which one is meant is told by \(names.joined(separator: " or ")), and "
                    + "neither is set. Name it yourself with --shard I/\(shards).")
        }
        if let other = names.last.flatMap({ environment[$0] }), other != text {
            throw ValidationError(
                "\(names.joined(separator: " and ")) contradict each other: '\(text)' and '\(other)'.")
        }
        guard let index = Int(text), (0..<shards).contains(index) else {
            throw ValidationError("\(name) is '\(text)', which is no shard of \(shards): they count from 0.")
        }
        return Shard(index, of: shards)
    }
}
