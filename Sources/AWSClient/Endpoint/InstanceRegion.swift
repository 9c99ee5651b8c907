internal import NIOCore
internal import NIOPosix

/// The region of the EC2 instance that the program runs on.
public enum InstanceRegion {
    /// False where the environment switches instance metadata off.
    public static func mayBeAsked(_ settings: ClientSettings) -> Bool { !InstanceMetadata.isDisabled(settings) }

    /// Asks the instance metadata service, version 2. Elsewhere than on EC2 it takes seconds to learn that nobody is
    /// there; with `AWS_EC2_METADATA_DISABLED=true` nobody is asked.
    ///
    /// Blocks the calling thread until the answer is there: meant for a program's start. Not to be called on an event
    /// loop, where it returns nil at once.
    ///
    /// - Returns: nil where there is none, whatever the reason.
    public static func find(_ settings: ClientSettings, userAgent: String) -> String? {
        guard MultiThreadedEventLoopGroup.currentEventLoop == nil else { return nil }
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: String?.self)
        // On the loop's own thread: with all threads of the shared pool blocked like this one, the task would never run.
        Task(executorPreference: LoopExecutor(loop: loop)) {
            promise.succeed(await find(settings, transport: .network(.direct, userAgent: userAgent)))
        }
        return (try? promise.futureResult.wait()) ?? nil
    }

    package static func find(_ settings: ClientSettings, transport: CredentialTransport) async -> String? {
        try? await InstanceMetadata(settings: settings, transport: transport).region()
    }
}

/// Runs a task on an event loop's thread.
private final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
