/// A path that isn't one: a URL of an object store or another server, which would be taken for a folder of that name.
package enum RemotePath {
    /// The scheme in lower case, without its colon; nil for a path.
    package static func scheme(of text: String) -> String? {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let scheme = text[..<colon]
        guard let first = scheme.utf8.first, isLetter(first), scheme.utf8.allSatisfy(isSchemeByte)
        else { return nil }
        let rest = text[text.index(after: colon)...]
        // `file:x` is how SQLite spells a URI.
        guard rest.hasPrefix("/") || scheme.lowercased() == "file" else { return nil }
        return scheme.lowercased()
    }

    /// How what is there comes here. Names no scheme but those that are known: another one may be a value from outside.
    package static func hint(for scheme: String) -> String {
        switch scheme {
        case "s3", "s3a", "s3n": "copy it here, or from here, with 'aws s3 cp --recursive'"
        case "gs": "copy it here, or from here, with 'gcloud storage cp --recursive'"
        case "az", "abfs", "abfss", "wasb", "wasbs":
            "copy it here, or from here, with 'azcopy copy --recursive'"
        case "http", "https", "ftp": "copy it here first, with 'curl --remote-name'"
        case "file": "write the path alone"
        case "sqlite": "write the file's path alone"
        default: "copy it here, or from here; a folder whose name ends in a colon is written ./name:/"
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || [UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ".")].contains(byte)
    }
}
