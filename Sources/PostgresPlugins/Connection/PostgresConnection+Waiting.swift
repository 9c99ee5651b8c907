internal import CPostgres
internal import Dispatch

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Waiting for the server's answer, which may itself wait for another session's lock.
///
/// Once the task is cancelled, what is at hand gets some time to finish; then the server is asked to give it up, and at
/// last the connection is closed, all of it once for a connection. Nothing depends on which of these happens: an open transaction is undone by all.
extension PostgresConnection {
    /// How long a cancelled task still waits for its statements, and from then on for the server to give one up.
    private static let grace = (finish: Duration.seconds(4), cancel: Duration.seconds(2))
    /// How long the socket is waited on at most before the task is asked again whether it is cancelled, in milliseconds.
    private static let longestPoll: Int32 = 100

    /// Sends what `PQsend…` sends; what an earlier statement that failed has left behind is passed over, as `PQexec` does.
    func send(_ call: (OpaquePointer) -> Int32) throws {
        guard handle != nil else { throw Self.closed }
        while let rest = takeResult(), !rest.isCopying, isOpen {}
        guard let handle, call(handle) == 1 else { throw brokenConnection() }
    }

    /// The last result of what was sent, or its first failure, as `PQexec` gives it; that of a COPY once it has begun.
    func results() throws -> PostgresResult {
        var last: PostgresResult?
        while let next = takeResult() {
            if last?.isFailure != true { last = next }
            // A broken connection would give results for ever.
            if next.isCopying || !isOpen { break }
        }
        guard let last else { throw isOpen ? brokenConnection() : Self.closed }
        return last
    }

    /// The next result of what was sent; nil behind the last one.
    func takeResult() -> PostgresResult? {
        waitUntilReady()
        return handle.flatMap { PQgetResult($0) }.map { PostgresResult($0) }
    }

    /// Waits until a result can be taken at once; what breaks meanwhile, the result tells.
    private func waitUntilReady() {
        guard handle != nil, PQisBusy(handle) == 1 else { return }
        let start = ContinuousClock.now
        defer { lockWatch?.ended() }
        while handle != nil, PQisBusy(handle) == 1 {
            guard exchange() else { return }
            if PQisBusy(handle) == 1 {
                if Task.isCancelled { stopWaiting() }
                lockWatch?.isWaiting(for: .now - start)
            }
        }
    }

    /// Gives the rows of a `COPY … TO STDOUT` one after the other, each valid within the call alone.
    ///
    /// - Throws: `PostgresFailure`; what `body` throws, and then the connection is closed.
    func copyOut(_ sql: String, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        try send { PQsendQuery($0, sql) }
        let begun = try results()
        guard begun.status == PGRES_COPY_OUT else { throw failure(begun) }
        while handle != nil {
            var data: UnsafeMutablePointer<CChar>?
            let count = Int(PQgetCopyData(handle, &data, 1))
            if count == -1 { break }
            if count == 0 {
                guard exchange() else { throw brokenConnection() }
                if Task.isCancelled { stopWaiting() }
                continue
            }
            guard count > 0, let data else { throw brokenConnection() }
            defer { PQfreemem(data) }
            do { try body(UnsafeRawBufferPointer(start: data, count: count)) } catch {
                close()
                throw error
            }
        }
        let ended = try results()
        if ended.isFailure { throw failure(ended) }
    }

    /// Waits until the kernel has taken all that was put.
    func flush() throws {
        while handle != nil, PQflush(handle) != 0 {
            guard exchange() else { throw brokenConnection() }
            if Task.isCancelled { stopWaiting() }
        }
        guard handle != nil else { throw Self.closed }
    }

    /// Sends what waits to be sent and takes in what the server has sent, and waits a moment for either; false where the
    /// connection is broken.
    func exchange() -> Bool {
        let waiting = PQflush(handle)
        guard waiting >= 0 else { return false }
        let events = waiting == 0 ? POLLIN : POLLIN | POLLOUT
        var socket = pollfd(fd: PQsocket(handle), events: Int16(events), revents: 0)
        let ready = poll(&socket, 1, patience)
        guard ready >= 0 || errno == EINTR else { return false }
        patience = ready > 0 ? 1 : min(patience * 2, Self.longestPoll)
        // Also where the socket has nothing: the rest of a TLS record may lie in OpenSSL, which no poll tells.
        return PQconsumeInput(handle) == 1
    }

    private func stopWaiting() {
        let now = ContinuousClock.now
        let since = cancelledAt ?? now
        cancelledAt = since
        if let askedAt {
            if now - askedAt > Self.grace.cancel { close() }
        } else if now - since > Self.grace.finish {
            if isCommitting { return close() }
            askedAt = now
            requestCancel()
        }
    }

    /// Asks the server to give up the statement at hand.
    func requestCancel() {
        guard let request = PQgetCancel(handle) else { return }
        nonisolated(unsafe) let handedOver = request
        let sent = DispatchSemaphore(value: 0)
        // A server that hangs would take this thread along.
        DispatchQueue(label: "sluice.postgres.cancel").async {
            var words = [CChar](repeating: 0, count: 256)
            PQcancel(handedOver, &words, Int32(words.count))
            PQfreeCancel(handedOver)
            sent.signal()
        }
        _ = sent.wait(timeout: .now() + 1)
    }
}
