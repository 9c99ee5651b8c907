internal import LocalFiles
internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// The write-ahead log beside a database's file, as far as it shows without SQLite.
enum WriteAheadLog {
    /// Whether there is one.
    static func exists(_ path: String) -> Bool { access("\(path)-wal", F_OK) == 0 }

    /// Whether the file is one with a write-ahead log: its 19th and 20th byte say which version may write and read it
    /// (sqlite.org/fileformat2.html, 1.3.3).
    static func isWanted(_ path: String) throws -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unopened(path, errno) }
        defer { _ = close(descriptor) }
        var header = [UInt8](repeating: 0, count: 20)
        let count = header.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else {
            throw PipelineError(
                .ioError, "cannot read \(path): \(SystemFailure.text(errno))",
                hint: "Check the disk and its mount, then look again.")
        }
        return count == 20 && header[18] == 2 && header[19] == 2
    }

    /// The file of the database can't be opened.
    static func unopened(_ path: String, _ code: Int32) -> PipelineError {
        PipelineError(
            .noInput, "cannot open \(path): \(SystemFailure.text(code))",
            hint: "Check that the user who runs this may read the file.")
    }
}
