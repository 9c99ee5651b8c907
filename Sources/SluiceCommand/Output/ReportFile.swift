internal import Foundation
internal import Glibc
internal import LocalFiles
internal import PipelineCore

/// A file that holds the report of the last call, for whoever looks at it at any time: it is there as a whole, or not at all.
///
/// It takes the place of an earlier report, of an empty file, or of nothing: whatever else stands there isn't Sluice's.
struct ReportFile {
    /// Absolute.
    let path: String

    /// A report is one line; what is longer than this is none.
    private static let longestReport = 16 << 20

    /// Checks that nothing stands in the place but an earlier report.
    ///
    /// - Throws: `PipelineError` of kind `.cantCreate`.
    func requireReplaceable() throws {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            // Where a folder is missing or can't be looked into, writing says so.
            if errno == ENOENT || errno == ENOTDIR || errno == EACCES { return }
            throw failure(errno)
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFLNK: throw refusal("a symbolic link is there")
        case S_IFDIR: throw refusal("a folder is there")
        default: throw refusal("a device, a FIFO or a socket is there")
        }
        guard status.st_size > 0 else { return }
        guard status.st_size <= Self.longestReport, try holdsReport() else {
            throw refusal("the file that is there is no report of an earlier run")
        }
    }

    /// Whether an earlier report stands there. An empty file may be anything.
    var isReport: Bool {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_size > 0 else { return false }
        do { try requireReplaceable() } catch { return false }
        return true
    }

    /// Puts a line in the place of an earlier report, durably; folders on the way are made where they are missing.
    ///
    /// - Throws: `PipelineError` of kind `.cantCreate`, or `.ioError` on a full disk.
    func write(_ line: String) throws {
        let url = URL(fileURLWithPath: path)
        try? FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        // A name that nobody can know, and so nobody's file or link.
        let aside = "\(path).\(String(UInt64.random(in: 0 ... .max), radix: 36)).new"
        let report = try Replacement(of: path, aside: aside, with: Array((line + "\n").utf8)) { number, _, _ in
            failure(number)
        }
        try report.sync()
        do {
            // As late as can be: somebody may have put something there while the run went on.
            try requireReplaceable()
            try report.replace()
        } catch {
            report.discard()
            throw error
        }
    }

    private func holdsReport() throws -> Bool {
        let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { throw failure(errno) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= Self.longestReport {
            let count = read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(errno) }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        let root: JSONNode
        do throws(JSONDecodingError) { root = try JSONTape(decoding: bytes).root } catch { return false }
        guard let runID = root["run_id"], root["sinks"]?.kind == .array else { return false }
        // One of a call that got to no run names none.
        return runID.kind == .string || runID.kind == .null && root["exit_code"]?.kind == .number
    }

    private func refusal(_ what: String) -> PipelineError {
        PipelineError(
            .cantCreate, "the report can't be written to \(path): \(what)",
            hint: "Nothing is written over. Name another file in report.json, or move away what is there.")
    }

    private func failure(_ number: Int32) -> PipelineError {
        PipelineError(
            number == ENOSPC || number == EDQUOT || number == EIO ? .ioError : .cantCreate,
            "the report can't be written to \(path): \(String(cString: strerror(number)))",
            hint: "The run itself isn't touched by that. Check report.json in the pipeline's file, and its folder.")
    }
}
