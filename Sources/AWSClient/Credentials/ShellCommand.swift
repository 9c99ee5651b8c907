internal import Glibc
internal import Synchronization

/// Runs a command line in a shell, for its standard output. It gets no input, and its standard error is thrown away. A
/// command that must be stopped is ended with all that it started.
struct ShellCommand: Sendable {
    let command: String
    let environment: [String: String]
    /// In seconds.
    let timeout: Double
    /// In bytes.
    let outputLimit: Int

    enum End: Sendable {
        case exited(Int, output: [UInt8])
        case killed(signal: Int)
        case timedOut
        case tooMuchOutput
        case cancelled
        case notStarted(String)
    }

    /// Asks a running command to end.
    final class Cancellation: Sendable {
        private let flag = Atomic(false)
        func set() { flag.store(true, ordering: .relaxed) }
        var isSet: Bool { flag.load(ordering: .relaxed) }
    }

    /// Blocks until the command has ended.
    func run(_ cancellation: Cancellation) -> End {
        var descriptors: [CInt] = [-1, -1]
        guard pipe(&descriptors) == 0 else { return .notStarted(Self.reason(errno)) }
        let (reading, writing) = (descriptors[0], descriptors[1])
        for descriptor in descriptors { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        defer { close(reading) }
        let started = start(output: writing)
        close(writing)
        guard case .success(let process) = started else {
            if case .failure(let failure) = started { return .notStarted(Self.reason(failure.code)) }
            return .notStarted("")
        }
        let deadline = ContinuousClock.now + .seconds(timeout)
        var (stop, output) = collect(reading, until: deadline, cancellation)
        var status: CInt?
        if stop == nil { (stop, status) = end(of: process, until: deadline, cancellation) }
        guard let status else {
            // The whole group: a shell's children would go on without it.
            kill(-process, SIGKILL)
            var ignored: CInt = 0
            while waitpid(process, &ignored, 0) < 0, errno == EINTR {}
            return stop ?? .cancelled
        }
        let signal = Int(status & 0x7F)
        return signal == 0 ? .exited(Int(status >> 8 & 0xFF), output: output) : .killed(signal: signal)
    }

    private struct SpawnFailure: Error {
        let code: CInt
    }

    /// Reads to the end; `stop` says why it didn't come to it.
    private func collect(
        _ descriptor: CInt, until deadline: ContinuousClock.Instant, _ cancellation: Cancellation
    ) -> (stop: End?, output: [UInt8]) {
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 8192)
        while true {
            if cancellation.isSet { return (.cancelled, []) }
            if ContinuousClock.now >= deadline { return (.timedOut, []) }
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            // Short waits, so that a cancellation is seen soon.
            guard poll(&request, 1, 50) > 0 else { continue }
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return (nil, output) }
            output.append(contentsOf: chunk[..<count])
            if output.count > outputLimit { return (.tooMuchOutput, []) }
        }
    }

    /// The status with which the command ended; `stop` says why it didn't: one may close its output and go on.
    private func end(
        of process: pid_t, until deadline: ContinuousClock.Instant, _ cancellation: Cancellation
    ) -> (stop: End?, status: CInt?) {
        // Most commands end with their output.
        var pause: UInt32 = 500
        while true {
            var status: CInt = 0
            let ended = waitpid(process, &status, WNOHANG)
            if ended == process { return (nil, status) }
            if ended < 0, errno != EINTR { return (nil, 0) }
            if cancellation.isSet { return (.cancelled, nil) }
            if ContinuousClock.now >= deadline { return (.timedOut, nil) }
            usleep(pause)
            pause = min(pause * 2, 50_000)
        }
    }

    private func start(output: CInt) -> Result<pid_t, SpawnFailure> {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        // Database files and sockets of this process are none of its business.
        for descriptor in Self.openDescriptors where descriptor > 2 {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        // A group of its own, and the signals as a new process expects them.
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let arguments = Self.strings(["/bin/sh", "-c", command])
        let variables = Self.strings(environment.map { "\($0.key)=\($0.value)" })
        defer { for pointer in arguments + variables { free(pointer) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, "/bin/sh", &actions, &attributes, arguments, variables)
        return code == 0 ? .success(process) : .failure(SpawnFailure(code: code))
    }

    private static var openDescriptors: [CInt] {
        guard let folder = opendir("/proc/self/fd") else { return [] }
        defer { closedir(folder) }
        var result: [CInt] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let descriptor = CInt(name) { result.append(descriptor) }
        }
        return result
    }

    /// Null-terminated copies, with a null pointer at the end; to be freed.
    private static func strings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        texts.map { strdup($0) } + [nil]
    }

    private static func reason(_ code: CInt) -> String { String(cString: strerror(code)) }
}
