internal import Crypto

/// Names of files in the caches that the AWS tools share.
public enum CacheName {
    /// Lower-case hex of the text's SHA-1. The tools fixed it: it names a file and protects nothing.
    public static func sha1(_ text: String) -> String { LowerHex.text(Insecure.SHA1.hash(data: Array(text.utf8))) }
}
