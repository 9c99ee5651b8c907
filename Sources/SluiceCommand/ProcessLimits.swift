internal import ArgumentParser
internal import Glibc
internal import PipelineCore
internal import PipelineEngine
internal import Synchronization

/// What the system lets this process have (files, threads), beside what a command needs.
///
/// The event loops and the dispatch queues below end the process with a trap where they can't open a file or start a thread,
/// so it is looked at before they begin.
struct ProcessLimits {
    /// Files that may be open at once.
    let openFiles: Int
    private let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

    /// The most that a process asks for by itself; beyond it nothing here grows.
    private static let mostOpenFiles: rlim_t = 65_536
    /// The standard files, and the dispatch queues' own.
    private static let fewestFiles = 8

    /// Raises the number of files that may be open to what the system's hard limit allows.
    ///
    /// - Parameter runs: the command makes calls or listens; any other needs less.
    /// - Throws: `PipelineError` of kind `.configuration` where that, or the number of threads, is too small for it.
    init(runs: Bool = true) throws(PipelineError) {
        openFiles = Self.raisedFiles()
        let needed = runs ? filesOfTheProcess + 1 : 8 + 3 * cores
        guard openFiles >= needed else { throw Self.tooFewFiles(openFiles, needed, "on a machine with \(cores) cores") }
        // As measured: the event loops' own, the runtime's, and the pool's; the other commands look at files alone.
        let threads = runs ? 3 * cores + 4 : 2 * cores + 3
        guard Self.canStart(threads) else { throw Self.tooFewThreads(threads, cores) }
    }

    /// Ends the process where it can't have the files and threads that any command needs. To be called before anything
    /// waits: the queues below trap, or wait for a thread for ever. Starts none that stays.
    static func require() {
        let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let threads = 2 * cores + 3
        let files = raisedFiles()
        let error: PipelineError
        if files < fewestFiles {
            error = tooFewFiles(files, fewestFiles, "for anything")
        } else if !canStart(threads) {
            error = tooFewThreads(threads, cores)
        } else {
            return
        }
        Terminal.standardError.writeLine("sluice: error: \(error)")
        _exit(error.exitCode)
    }

    /// How many files may be open at once, after that was raised as far as it may be.
    private static func raisedFiles() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        if limit.rlim_cur < min(limit.rlim_max, mostOpenFiles) {
            var raised = limit
            raised.rlim_cur = min(limit.rlim_max, mostOpenFiles)
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return Int(min(limit.rlim_cur, mostOpenFiles))
    }

    private static func tooFewThreads(_ needed: Int, _ cores: Int) -> PipelineError {
        PipelineError(
            .configuration,
            "the system lets this process start fewer than \(needed) threads on a machine with \(cores) cores",
            hint: "Raise the limit of processes ('ulimit -u', TasksMax= of a systemd unit, the container's pids) "
                + "or of memory ('ulimit -v').")
    }

    /// The limits, for a command that has no log yet: what is wrong goes to standard error.
    ///
    /// - Throws: `ExitCode`.
    @discardableResult
    static func looked(runs: Bool = true) throws -> ProcessLimits {
        do { return try ProcessLimits(runs: runs) } catch {
            Terminal.standardError.writeLine("sluice: error: \(error)")
            throw ExitCode(error.exitCode)
        }
    }

    /// Standard files, three for each event loop, the dispatch queue's own, name resolution, logs: as measured, and a few
    /// more.
    private var filesOfTheProcess: Int { 20 + 3 * cores }
    /// A database with its log, lock and shared memory; or a file for each table, one that is being replaced, and folders.
    private static let filesOfASink = 10

    /// How many calls may run at once with so many sinks; at least 1.
    private func mostConcurrency(sinks: Int) -> Int {
        let free = openFiles - filesOfTheProcess - sinks * Self.filesOfASink
        // A connection that is being closed or tried beside another one takes a file too.
        return max(1, free * 8 / 9)
    }

    private static func tooFewFiles(_ files: Int, _ needed: Int, _ reason: String) -> PipelineError {
        PipelineError(
            .configuration,
            "this process may have \(files) files open at once, and needs \(needed) \(reason)",
            hint: "Raise the limit: 'ulimit -n 1024', LimitNOFILE= of a systemd unit, or the container's nofile.")
    }

    /// Lowers a plan's concurrency to what the files allow.
    ///
    /// - Returns: What was done, for the log; nil where nothing was.
    /// - Throws: `PipelineError` of kind `.configuration` where they don't do for its sinks and two calls.
    func fit(_ plan: inout RunPlan) throws(PipelineError) -> String? {
        let sinks = plan.sinks.count
        let needed = filesOfTheProcess + sinks * Self.filesOfASink + 2
        guard openFiles >= needed else {
            throw Self.tooFewFiles(
                openFiles, needed, "with \(sinks) sink\(sinks == 1 ? "" : "s") on a machine with \(cores) cores")
        }
        guard case .lookup(let reader, let lookup, let concurrency) = plan.source else { return nil }
        let most = mostConcurrency(sinks: plan.sinks.count)
        guard concurrency > most else { return nil }
        plan.source = .lookup(reader: reader, lookup: lookup, concurrency: most)
        return "this process may have \(openFiles) files open at once (ulimit -n): \(most) calls run at once, not the "
            + "\(concurrency) that 'concurrency' allows"
    }

    /// Starts so many threads, all at once, and ends them.
    private static func canStart(_ count: Int) -> Bool {
        let gate = Gate()
        var threads: [pthread_t] = []
        gate.closed.withLock { _ in
            for _ in 0..<count {
                var thread = pthread_t()
                let argument = Unmanaged.passUnretained(gate).toOpaque()
                let status = pthread_create(
                    &thread, nil,
                    { argument in
                        guard let argument else { return nil }
                        Unmanaged<Gate>.fromOpaque(argument).takeUnretainedValue().closed.withLock { _ in }
                        return nil
                    }, argument)
                guard status == 0 else { break }
                threads.append(thread)
            }
        }
        // The gate outlives them: each is waited for.
        for thread in threads { pthread_join(thread, nil) }
        return threads.count == count
    }

    /// What all threads of a trial wait at.
    private final class Gate: Sendable {
        let closed = Mutex(())
    }
}
