/// How many files of an archive a run has read, and how many it has left out: evident junk, and what the configuration says. A
/// file that can't be read is neither: it is a failed record.
public struct ArchiveFileCounts: Sendable, Hashable {
    public var read: Int
    public var leftOut: Int

    public init(read: Int = 0, leftOut: Int = 0) {
        self.read = read
        self.leftOut = leftOut
    }

    public static func + (left: ArchiveFileCounts, right: ArchiveFileCounts) -> ArchiveFileCounts {
        ArchiveFileCounts(read: left.read + right.read, leftOut: left.leftOut + right.leftOut)
    }

    public static func - (left: ArchiveFileCounts, right: ArchiveFileCounts) -> ArchiveFileCounts {
        ArchiveFileCounts(read: left.read - right.read, leftOut: left.leftOut - right.leftOut)
    }
}

extension ArchiveFileCounts {
    /// Writes `{"read":40,"left_out":2}`.
    public func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("read", read)
            writer.member("left_out", leftOut)
        }
    }
}

/// A file of an archive that was left out, for the account.
public struct LeftOutFile: Sendable, Hashable {
    /// Relative to the archive's folder.
    public var name: String
    /// In words that follow "it is" or "because": `an image`, `its name begins with a dot`.
    public var reason: String

    public init(name: String, reason: String) {
        self.name = name
        self.reason = reason
    }
}
