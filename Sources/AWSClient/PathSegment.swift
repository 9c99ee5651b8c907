internal import AWSSigning

/// One segment of a path on the wire.
public enum PathSegment {
    /// Percent-encodes every byte outside `A-Z a-z 0-9 - . _ ~`, `/` among them.
    public static func encode(_ text: String) -> String { URIEncoding.encode(text) }
}
