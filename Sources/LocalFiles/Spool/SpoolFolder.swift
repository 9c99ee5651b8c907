public import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Where inputs that can't be read twice are kept aside, a file for each run: for this user's eyes alone.
///
/// A spool appears under its name when it is complete and durable, so one that is there can be trusted.
public struct SpoolFolder: Sendable {
    private let path: String

    /// - Parameter path: absolute; the folder is made with its first spool.
    public init(_ path: String) { self.path = path }

    /// The file of a run's input, whether or not it is there.
    public func path(of run: InputRun) -> String {
        // The start tells a run from an earlier execution of the same ID.
        let start = String(run.startedAt.filter { $0.isASCII && ($0.isLetter || $0.isNumber) })
        return "\(path)/\(prefix(run))\(run.runID).\(start)\(Self.suffix)"
    }

    /// Whether a run's input is kept aside.
    ///
    /// - Throws: `PipelineError`: `.configuration` where others could have put it there, `.cantCreate` where the folder can't
    ///   be looked into.
    public func holds(_ run: InputRun) throws -> Bool {
        guard try PrivateFolder.check(path) else { return false }
        var status = stat()
        if lstat(path(of: run), &status) == 0 { return true }
        guard errno == ENOENT else { throw SystemFailure.pipelineError(errno, creating: path(of: run)) }
        return false
    }

    /// Keeps a run's input aside, unless it is already; what other runs of the pipeline and shard have left behind goes.
    ///
    /// - Parameter write: writes the input to the file that it is given.
    /// - Throws: `PipelineError`: `.configuration` where others own the folder or may write into it; `.cantCreate`, or
    ///   `.ioError` on a full disk; whatever `write` throws, and then there is no spool.
    /// - Returns: Whether it was there already.
    public func fill(for run: InputRun, _ write: (SpoolFile) throws -> Void) throws -> Bool {
        try PrivateFolder.make(path)
        try removeOthers(run)
        guard try !holds(run) else { return true }
        let name = path(of: run)
        let spool = try Replacement(of: name, permissions: 0o600) { Self.failure($0, $1, $2, spool: name) }
        do {
            let file = SpoolFile(spool.file)
            try write(file)
            try Failpoint.reach("spool.fill.before-finish")
            try file.finish()
            try spool.sync()
            try Failpoint.reach("spool.fill.before-rename")
            try spool.replace()
            try Failpoint.reach("spool.fill.after-rename")
        } catch {
            spool.discard()
            throw error
        }
        // A spool that a crash takes away is filled again.
        do { try Files.sync(folder: path) } catch {}
        return false
    }

    private static func failure(
        _ number: Int32, _ operation: FileFailure.Operation, _ path: String, spool: String
    ) -> PipelineError {
        switch operation {
        case .open: SystemFailure.pipelineError(number, creating: path)
        case .rename: SystemFailure.pipelineError(number, creating: spool)
        default:
            PipelineError(
                .ioError, "cannot write \(path): \(SystemFailure.text(number))",
                hint: "The input is kept aside there while the run lasts. Free some space, or name another "
                    + "state_directory.")
        }
    }

    /// Gives what is kept for a run to another one; does nothing where there is nothing.
    public func handOver(from run: InputRun, to next: InputRun) { rename(path(of: run), path(of: next)) }

    /// Removes a run's spool, if there is one.
    public func remove(_ run: InputRun) {
        let spool = path(of: run)
        guard access(spool, F_OK) == 0 else { return }
        // Nothing but the tests' faults comes from there, and what is removed needs no error.
        try? Failpoint.reach("spool.remove.before-unlink")
        unlink(spool)
    }

    private static let suffix = ".spool"

    /// A pipeline's name holds no dot, so no other pipeline's prefix begins with this one.
    private func prefix(_ run: InputRun) -> String { "\(run.pipeline).\(run.shard)." }

    private func removeOthers(_ run: InputRun) throws {
        guard let folder = opendir(path) else { throw SystemFailure.pipelineError(errno, creating: path) }
        defer { closedir(folder) }
        let own = path(of: run)
        while true {
            errno = 0
            guard let entry = readdir(folder) else {
                if errno != 0 { throw SystemFailure.pipelineError(errno, creating: path) }
                return
            }
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasPrefix(prefix(run)), name.hasSuffix(Self.suffix) || name.hasSuffix(Self.suffix + ".new"),
                "\(path)/\(name)" != own
            else { continue }
            unlink("\(path)/\(name)")
        }
    }
}
