internal import AWSSigning

/// Stands for personal data in debug messages.
public enum LogDigest {
    /// The first 12 hex digits of the text's SHA-256, as `printf %s TEXT | sha256sum` gives them.
    public static func text(_ text: String) -> String {
        String(CanonicalRequest.payloadHash(Array(text.utf8)).prefix(12))
    }
}
