internal import Foundation
internal import Glibc

/// The first bytes of a file, which tell what it is.
enum FileHead {
    /// At most 16 bytes; none of what can't be read, or is no regular file: to open a pipe would wait for who writes into it.
    static func of(_ path: String) -> [UInt8] {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            let file = try? FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        else { return [] }
        defer { try? file.close() }
        return Array((try? file.read(upToCount: 16)) ?? Data())
    }

    static func isEmpty(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_size == 0
    }
}
