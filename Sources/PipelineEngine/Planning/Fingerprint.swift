internal import Crypto

/// What a sink's checkpoints are known by: a run is continued only by a configuration that gives the same output.
public enum Fingerprint {
    /// Lower-case hex of SHA-256: a fingerprint's form, and what stands for a secret in a text that is hashed.
    public static func digest(_ bytes: [UInt8]) -> String { hexadecimal(SHA256.hash(data: bytes)) }

    /// The fingerprint of a sink.
    ///
    /// - Parameters:
    ///   - text: The canonical text of the configuration that shapes the sink's output.
    ///   - contentVersion: The sink's.
    static func make(of text: [UInt8], contentVersion: Int, shard: Shard, inputLimit: Int?) -> String {
        // The same configuration gives other output in shards, with a limit, or by another version of a sink's content.
        var bytes = text
        if !shard.isWhole { bytes += Array("\nshards=\(shard.count)".utf8) }
        if let inputLimit { bytes += Array("\nlimit=\(inputLimit)".utf8) }
        if contentVersion != 0 { bytes += Array("\ncontent=\(contentVersion)".utf8) }
        return digest(bytes)
    }
}
