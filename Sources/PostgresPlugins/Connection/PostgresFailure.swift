internal import PipelineCore

/// What the server or libpq refused, with what it means to a run.
///
/// The message is the server's primary message. Its DETAIL, which quotes values of rows, is never read.
struct PostgresFailure: Error {
    /// Five characters; nil where the failure is the client's own (no answer, a broken connection).
    var sqlState: String?
    var message: String
    /// The session is gone.
    var isDisconnected: Bool

    init(sqlState: String?, message: String, isDisconnected: Bool = false) {
        self.sqlState = sqlState
        self.message = message
        self.isDisconnected = isDisconnected
    }

    private func isOf(_ classes: String...) -> Bool {
        guard let sqlState else { return false }
        return classes.contains { sqlState.hasPrefix($0) }
    }

    /// The server or the way to it is away, or on its way back: connecting again may help.
    ///
    /// 08: connection exceptions; 57P01 to 57P05: shut down, crashed, starting, database dropped, idle too long; 25P03:
    /// idle in a transaction; 53300: too many connections; 25006: read only, as a server is that has just been demoted.
    var isOutage: Bool {
        if sqlState == nil || isDisconnected { return true }
        return isOf("08", "57P01", "57P02", "57P03", "57P05", "25P03", "53300", "25006")
    }

    /// A serialization failure or a deadlock: the same transaction may succeed when it is done again.
    var isConflict: Bool { isOf("40001", "40P01") }

    /// A statement was given up because somebody asked for that.
    var isCancelled: Bool { sqlState == "57014" }

    /// A lock wasn't had in the time that was given for it.
    var isLockTimeout: Bool { sqlState == "55P03" }

    /// What a statement names isn't there.
    var isMissing: Bool { isOf("42704", "42P01") }

    var isUniqueViolation: Bool { sqlState == "23505" }

    /// The server has no way to do that: COPY into a table with row-level security.
    var isUnsupported: Bool { sqlState == "0A000" }

    /// The server took offence at a row: 22 data exceptions, 23 constraints, 44 check options of views, P0 what a trigger
    /// raises, 54 what is too big for an index or a page.
    var isAboutRows: Bool { !isDisconnected && isOf("22", "23", "44", "P0", "54") }

    /// `[23514] new row for relation …`
    var text: String { (sqlState.map { "[\($0)] " } ?? "") + PrintableText.of(message) }

    /// - Parameters:
    ///   - target: what the sink calls its place.
    ///   - doing: what couldn't be done, to follow "cannot".
    func pipelineError(target: String, doing: String) -> PipelineError {
        // Data exceptions quote the value that they are about: that stands in no log.
        let isQuoting = isOf("22")
        let what = "\(target): cannot \(doing): " + (isQuoting ? "the server refused a row (\(sqlState ?? ""))" : text)
        let later = "What is committed is safe; run again to go on behind it."
        if isDisconnected || sqlState == nil {
            return PipelineError(.unavailable, what, hint: "Check that the server can be reached. \(later)")
        }
        if isOf("28", "42501") {
            return PipelineError(
                .permission, what, hint: "Check user and password, and what this role may do in the schema.")
        }
        if isOf("3D000", "42", "3F000") {
            return PipelineError(.configuration, what, hint: "Check the database, the schema and its tables.")
        }
        if isOf("53100") {
            return PipelineError(.ioError, what, hint: "Free space on the server's disk. \(later)")
        }
        if isOf("58") { return PipelineError(.ioError, what, hint: "Check the server's disk. \(later)") }
        if isAboutRows {
            return PipelineError(
                .configuration, what,
                hint: "A constraint or trigger of that table is in the way; change it, or write to another schema.")
        }
        if isConflict {
            return PipelineError(.temporary, what, hint: "Others write into the same rows at the same time. \(later)")
        }
        if isCancelled { return PipelineError(.temporary, what, hint: "Somebody cancelled a statement. \(later)") }
        return PipelineError(.unavailable, what, hint: later)
    }
}
