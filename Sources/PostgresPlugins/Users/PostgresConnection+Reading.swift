internal import CPostgres
internal import PipelineCore

/// Statements that may take long: they end soon after the task that waits for them is cancelled.
extension PostgresConnection {
    /// Whether the database keeps texts as bytes without an encoding.
    var hasNoEncoding: Bool {
        PQparameterStatus(handle, "server_encoding").map { String(cString: $0) } == "SQL_ASCII"
    }

    /// The names of the columns that one statement gives; it isn't run.
    ///
    /// - Throws: `PostgresFailure`, also for more than one statement; `CancellationError`.
    func columns(of sql: String) throws -> [String] {
        try send { PQsendPrepare($0, "", sql, 0, nil) }
        _ = try answer()
        try send { PQsendDescribePrepared($0, "") }
        return try answer().columnNames
    }

    /// Runs a `COPY … TO STDOUT` of one column and gives its values as they come: nil is NULL.
    ///
    /// - Throws: `PostgresFailure`, also where the answer breaks off; whatever `body` throws, or `CancellationError`, and
    ///   then the connection is closed.
    func copyOut(_ sql: String, _ body: (UnsafeRawBufferPointer?) throws -> Void) throws {
        try beginCopyOut(sql)
        var count = 0
        var plain: [UInt8] = []
        do {
            while let row = try nextCopiedRow() {
                defer { PQfreemem(row.baseAddress) }
                count += 1
                if count % 1024 == 0 { try Task.checkCancellation() }
                try CopyText.withValue(of: UnsafeRawBufferPointer(row), scratch: &plain, body)
            }
        } catch {
            if isOpen, !(error is PostgresFailure) { cancel() }
            throw error
        }
        try endCopyOut(rows: count)
    }

    /// Begins a `COPY … TO STDOUT`; all of its rows are to be taken before anything else is asked.
    func beginCopyOut(_ sql: String) throws {
        try send { PQsendQuery($0, sql) }
        let begun = try nextResult()
        guard begun.status == PGRES_COPY_OUT else {
            let failure = failure(begun)
            while isOpen, takeResult() != nil {}
            throw failure
        }
    }

    /// The next row of a COPY, with its line feed; nil behind the last one. The caller frees it by `PQfreemem`.
    func nextCopiedRow() throws -> UnsafeMutableRawBufferPointer? {
        while true {
            var data: UnsafeMutablePointer<CChar>?
            switch PQgetCopyData(handle, &data, 1) {
            case 0: try waitForInput()
            case -1: return nil
            case let count where count > 0: return UnsafeMutableRawBufferPointer(start: data, count: Int(count))
            default: throw brokenConnection()
            }
        }
    }

    /// - Parameter rows: How many were taken.
    /// - Throws: `PostgresFailure` where the answer broke off.
    func endCopyOut(rows: Int) throws {
        let ended = try answer()
        guard ended.affectedRows == rows else {
            throw PipelineError(.software, "\(ended.affectedRows) rows were sent, but \(rows) arrived")
        }
    }

    /// The answer to the statement that was sent, when it is complete.
    private func answer() throws -> PostgresResult {
        let result = try nextResult()
        if result.isFailure { throw failure(result) }
        while isOpen {
            while PQisBusy(handle) == 1 { try waitForInput() }
            guard let rest = PostgresResult.next(handle) else { break }
            if rest.isFailure { throw failure(rest) }
        }
        return result
    }

    private func nextResult() throws -> PostgresResult {
        while PQisBusy(handle) == 1 { try waitForInput() }
        guard let result = PostgresResult.next(handle) else { throw brokenConnection() }
        return result
    }

    private func waitForInput() throws {
        if Task.isCancelled {
            cancel()
            throw CancellationError()
        }
        guard exchange() else { throw brokenConnection() }
    }

    /// Asks the server to give up what it does, and hangs up.
    private func cancel() {
        requestCancel()
        close()
    }
}

extension PostgresResult {
    /// The next result of what was sent; nil behind the last one.
    fileprivate static func next(_ connection: OpaquePointer?) -> PostgresResult? {
        PQgetResult(connection).map { PostgresResult($0) }
    }
}

/// Values as COPY's text format writes them.
enum CopyText {
    /// Gives the only value of a row, which ends with a line feed.
    static func withValue(
        of row: UnsafeRawBufferPointer, scratch: inout [UInt8], _ body: (UnsafeRawBufferPointer?) throws -> Void
    ) throws {
        let value = UnsafeRawBufferPointer(rebasing: row.last == 10 ? row.dropLast() : row[...])
        guard let first = value.firstIndex(of: UInt8(ascii: "\\")) else { return try body(value) }
        if value.count == 2, value[1] == UInt8(ascii: "N"), first == 0 { return try body(nil) }
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: value[..<first])
        var place = first
        while place < value.count {
            var byte = value[place]
            if byte == UInt8(ascii: "\\"), place + 1 < value.count {
                place += 1
                byte = unescaped(value[place])
            }
            scratch.append(byte)
            place += 1
        }
        try scratch.withUnsafeBytes { try body($0) }
    }

    static func unescaped(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "b"): 8
        case UInt8(ascii: "f"): 12
        case UInt8(ascii: "n"): 10
        case UInt8(ascii: "r"): 13
        case UInt8(ascii: "t"): 9
        case UInt8(ascii: "v"): 11
        default: byte
        }
    }
}
