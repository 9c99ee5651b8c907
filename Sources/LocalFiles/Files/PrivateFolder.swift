internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A folder whose content is for this user's eyes alone, and for nobody else to change: the state directory.
public enum PrivateFolder {
    /// Makes the folder where it is missing, and checks it.
    ///
    /// - Throws: `PipelineError`: what `check` throws; `.cantCreate` where it can't be made, `.ioError` on a full disk.
    public static func make(_ path: String) throws {
        guard try !check(path) else { return }
        try Folder.make(path, permissions: 0o700)
        // Somebody else may have been quicker, and a link to nothing looked like nothing.
        guard try check(path) else { throw SystemFailure.pipelineError(ENOENT, creating: path) }
    }

    /// Looks at the folder.
    ///
    /// It must belong to this user or to root, and neither its group nor others may write into it. Where root runs in
    /// somebody's folder, that one's folder is fine as well: its owner could put another one in its place anyway.
    ///
    /// - Returns: False where there is nothing.
    /// - Throws: `PipelineError`: `.configuration` where others own it or may write into it, `.cantCreate` where it is no
    ///   folder or can't be looked at.
    public static func check(_ path: String) throws -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT { return false }
            throw SystemFailure.pipelineError(errno, creating: path)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw PipelineError(.cantCreate, "\(path) is no folder", hint: "Name another state_directory.")
        }
        let isOwn = status.st_uid == geteuid() || status.st_uid == 0
        guard isOwn || geteuid() == 0 && FileForWriting.isTrusted(status.st_uid, in: Folder.of(path)) else {
            throw PipelineError(
                .configuration, "the state directory \(path) belongs to another user (\(status.st_uid))",
                hint: "User IDs are kept aside there: name a state_directory of your own.")
        }
        guard status.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
            throw PipelineError(
                .configuration, "others may write into the state directory \(path)",
                hint: "Whoever can write there can change what a run reads. Run chmod go-w on it, or name another "
                    + "state_directory.")
        }
        return true
    }
}
