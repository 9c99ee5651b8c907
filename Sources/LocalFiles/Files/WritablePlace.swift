public import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Whether files can be made in a folder, found out without making any.
public struct WritablePlace: Sendable {
    /// The folder, or the nearest one on the way to it that exists.
    public let existing: String
    /// The folder itself isn't there yet.
    public let isMissing: Bool

    /// Less room than this is worth a word.
    private static let littleRoom: UInt64 = 1 << 30

    /// - Parameter folder: absolute.
    /// - Throws: `PipelineError` of kind `.cantCreate` where nothing can be made there.
    public init(folder: String) throws {
        var place = folder
        var status = stat()
        while stat(place, &status) != 0 {
            guard errno == ENOENT, place != "/" else { throw SystemFailure.pipelineError(errno, creating: folder) }
            place = Folder.of(place)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw PipelineError(.cantCreate, "\(place) is a file, not a folder", hint: "Name another path.")
        }
        guard access(place, W_OK | X_OK) == 0 else { throw SystemFailure.pipelineError(errno, creating: folder) }
        existing = place
        isMissing = place != folder
    }

    /// The room that is left on the disk.
    public var room: CheckFinding? {
        var status = statvfs()
        guard statvfs(existing, &status) == 0 else { return nil }
        let free = UInt64(status.f_bavail) * UInt64(status.f_frsize)
        let text = "\(CountText.of(bytes: free)) free on the disk"
        return free < Self.littleRoom ? .doubt("only \(text)", hint: "Make room, or name another path.") : .ok(text)
    }
}
