#if FAILPOINTS
internal import Glibc
internal import Synchronization
#endif

/// Named steps at which a test can make the process die, an I/O error appear, or time stand still.
///
/// Compiled in by the package trait `Failpoints` only; without it `reach` is empty and the optimiser removes it.
/// - `SLUICE_FAILPOINT=NAME=kill|error|hang` acts when the step is reached the first time, `NAME#3=…` the third time.
/// - `SLUICE_FAILPOINT_TRACE=FILE` appends the name of each step reached, a line each, so that a test learns them all.
public enum Failpoint {
    /// Tells the harness that a step is reached.
    ///
    /// - Throws: `PipelineError` of kind `.ioError` where the harness wants one.
    @inline(__always)
    public static func reach(_ name: StaticString) throws {
        #if FAILPOINTS
        try FailpointPlan.current.reach(String(describing: name))
        #endif
    }
}

#if FAILPOINTS
/// What the environment asks for, read once.
private struct FailpointPlan: Sendable {
    static let current = FailpointPlan()

    let name: String
    let action: String
    /// Act at this visit, from 1.
    let visit: Int
    let traceFile: String?
    private static let visits = Mutex(0)

    private init() {
        let text = getenv("SLUICE_FAILPOINT").map { String(cString: $0) } ?? ""
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        let place = (parts.first ?? "").split(separator: "#", maxSplits: 1).map(String.init)
        name = place.first ?? ""
        visit = place.count > 1 ? Int(place[1]) ?? 1 : 1
        action = parts.count > 1 ? parts[1] : ""
        traceFile = getenv("SLUICE_FAILPOINT_TRACE").map { String(cString: $0) }
    }

    func reach(_ reached: String) throws {
        if let traceFile { Self.trace(reached, to: traceFile) }
        guard reached == name else { return }
        let count = Self.visits.withLock { count in
            count += 1
            return count
        }
        guard count == visit else { return }
        switch action {
        case "kill": kill(getpid(), SIGKILL)
        case "hang": while true { sleep(3600) }
        default: throw PipelineError(.ioError, "failpoint \(reached): Input/output error")
        }
    }

    private static func trace(_ name: String, to path: String) {
        let file = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        let line = Array((name + "\n").utf8)
        _ = write(file, line, line.count)
        Glibc.close(file)
    }
}
#endif
