internal import CSQLite
internal import LocalFiles
internal import PipelineCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// A result code of SQLite with what is known about it, and what it means to a run.
struct SQLiteFailure {
    /// An extended result code.
    var code: Int32
    /// SQLite's words; never a value from a row.
    var message: String
    /// `errno` of the system call behind it; 0 where there was none.
    var systemError: Int32

    /// - Parameter fileError: `errno` of the last system call that failed on the database's files.
    init(code: Int32, message: String, systemError: Int32, fileError: Int32) {
        // SQLite calls a file damaged that can't be read at all.
        let isUnreadable = code & 0xff == SQLITE_CORRUPT && [EIO, ENXIO, ERANGE].contains(fileError)
        self.code = isUnreadable ? SQLITE_IOERR : code
        self.message = isUnreadable ? String(cString: sqlite3_errstr(SQLITE_IOERR)) : message
        self.systemError = isUnreadable ? fileError : systemError
    }

    func pipelineError(path: String) -> PipelineError {
        if code & 0xff == SQLITE_FULL || isOutOfSpace {
            return PipelineError(
                .ioError, "cannot write \(path): the disk is full (\(detail))",
                hint:
                    "Free some space there and run again: what was committed so far is safe, and the run goes on behind it."
            )
        }
        switch code & 0xff {
        case SQLITE_IOERR:
            return PipelineError(
                .ioError, "cannot read or write \(path): \(detail)",
                hint: "Check the disk and its mount, then run again: the run goes on behind its last commit.")
        case SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH:
            return PipelineError(
                .cantCreate, "cannot open \(path) for writing: \(detail)",
                hint: "Check that the file and its folder may be written by the user who runs this.")
        case SQLITE_NOTADB:
            return PipelineError(
                .cantCreate, "\(path) exists, but it isn't an SQLite database",
                hint: "Move the file away, or name another path.")
        case SQLITE_CORRUPT:
            return PipelineError(
                .ioError, "\(path) is damaged: \(detail)",
                hint:
                    "See what `sqlite3 FILE 'PRAGMA integrity_check'` says; restore the file, or move it away and run again."
            )
        case SQLITE_BUSY, SQLITE_LOCKED:
            return PipelineError(
                .temporary, "\(path) is in use: another process holds its write lock (\(detail))",
                hint: "Run again when it is done, or raise busy_timeout.")
        case SQLITE_NOMEM:
            return PipelineError(.unavailable, "no memory is left for \(path)")
        default:
            return PipelineError(.software, "SQLite refused a statement on \(path): \(detail)")
        }
    }

    /// What it means to somebody who only looks.
    func readingError(path: String) -> PipelineError {
        switch code & 0xff {
        case SQLITE_BUSY, SQLITE_LOCKED:
            return PipelineError(
                .temporary, "\(path) is locked by another process at this moment (\(detail))", hint: "Look again.")
        case SQLITE_IOERR:
            return PipelineError(
                .ioError, "cannot read \(path): \(detail)", hint: "Check the disk and its mount, then look again.")
        case SQLITE_NOTADB:
            return PipelineError(.noInput, "\(path) exists, but it isn't an SQLite database")
        case SQLITE_CORRUPT:
            return PipelineError(
                .noInput, "\(path) is damaged: \(detail)",
                hint: "See what `sqlite3 FILE 'PRAGMA integrity_check'` says, and restore the file.")
        case SQLITE_NOMEM:
            return PipelineError(.unavailable, "no memory is left for \(path)")
        case SQLITE_ERROR:
            return PipelineError(
                .configuration, "\(path): its tables can't be read: \(detail)",
                hint: "They aren't what this program makes; look at them with sqlite3.")
        default:
            return PipelineError(
                .noInput, "cannot read \(path): \(detail)",
                hint: "Check that the user who runs this may read the file, and its disk.")
        }
    }

    /// A full disk shows as an I/O error where SQLite truncates or maps a file instead of writing.
    private var isOutOfSpace: Bool {
        code & 0xff == SQLITE_IOERR && (systemError == ENOSPC || systemError == EDQUOT)
    }

    private var detail: String {
        var parts = [message.isEmpty ? String(cString: sqlite3_errstr(code)) : message]
        if systemError != 0 { parts.append(SystemFailure.text(systemError)) }
        return parts.joined(separator: ", ") + ", code \(code)"
    }
}
