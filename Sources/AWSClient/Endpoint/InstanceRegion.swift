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
    /// - Returns: nil where nobody answers, or nothing that is a region.
    /// - Throws: where the service is there and fails, for 30 s at least.
    public static func find(_ settings: ClientSettings, userAgent: String) throws(CredentialError) -> String? {
        guard MultiThreadedEventLoopGroup.currentEventLoop == nil else { return nil }
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: Result<String?, CredentialError>.self)
        // On the loop's own thread: with all threads of the shared pool blocked like this one, the task would never run.
        Task(executorPreference: LoopExecutor(loop: loop)) {
            let result: Result<String?, CredentialError>
            do throws(CredentialError) {
                result = .success(try await find(settings, transport: .network(.direct, userAgent: userAgent)))
            } catch {
                result = .failure(error)
            }
            promise.succeed(result)
        }
        let answer: Result<String?, CredentialError>
        do {
            answer = try promise.futureResult.wait()
        } catch {
            throw CredentialError("instance metadata: \(error)")
        }
        return try answer.get()
    }

    /// - Parameter patience: how long a service is borne that is there and fails.
    package static func find(
        _ settings: ClientSettings, transport: CredentialTransport,
        patience: CredentialPatience = CredentialPatience(outage: 0)
    ) async throws(CredentialError) -> String? {
        let began = ContinuousClock.now
        while true {
            do {
                return try await InstanceMetadata(settings: settings, transport: transport).region()
            } catch let error as CredentialError {
                guard error.kind == .away, ContinuousClock.now - began < .seconds(patience.start) else { throw error }
            } catch {
                // Nobody answers there: this isn't an instance.
                return nil
            }
            do { try await Task.sleep(for: .seconds(patience.pause)) } catch { return nil }
        }
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
