import AWSClient
import AWSSigning
import Logging
import Pinpoint
import PipelineCore
import Synchronization

/// A lookup against a server whose answers the test decides on.
func makeLookup(
    _ url: String, rate: Double = 10_000, concurrency: Int = 64, retry: RetryPolicy = fastRetries,
    connect: Double = 1, request: Double = 0.4, credentials: CredentialProvider = fixedCredentials,
    logger: Logger = Logger(label: "test")
) throws -> GetUserEndpoints {
    let configuration = ServiceConfiguration(
        signingName: GetUserEndpoints.signingName, region: "eu-central-1", endpoint: try Endpoint(url),
        requestsPerSecond: rate, burst: 100, concurrency: concurrency, retry: retry, connectTimeout: connect,
        requestTimeout: request, userAgent: "sluice/test")
    return GetUserEndpoints(
        applicationID: "app/1",
        client: ServiceClient(configuration: configuration, credentials: credentials, logger: logger))
}

let fastRetries = RetryPolicy(maxAttempts: 3, maxDelay: 0.01, deadline: 5, outage: 5)
let fixedCredentials = CredentialProvider.fixed(
    SigningCredentials(accessKeyID: "AKID", secretAccessKey: "secret", sessionToken: "t0ken"))
let oneEndpoint = #"{"Item":[{"Id":"e1","ChannelType":"EMAIL"}]}"#
let good = ServerAction.answer(200, body: oneEndpoint)

extension Outcome {
    var words: String {
        switch self {
        case .found(let tape): "found \(tape.count)"
        case .absent: "absent"
        case .failed(let failure): "failed \(failure.status ?? 0) \(failure.code) \(failure.attempts)"
        }
    }
}

func withServer(
    _ script: @escaping @Sendable (SeenRequest, Int) -> ServerAction, retry: RetryPolicy = fastRetries,
    rate: Double = 10_000, concurrency: Int = 64, credentials: CredentialProvider = fixedCredentials,
    logger: Logger = Logger(label: "test"),
    _ body: (GetUserEndpoints, ScriptedServer) async throws -> Void
) async throws {
    let server = try await ScriptedServer(script)
    let lookup = try makeLookup(
        server.url, rate: rate, concurrency: concurrency, retry: retry, credentials: credentials, logger: logger)
    do { try await body(lookup, server) } catch {
        await lookup.shutdown()
        await server.close()
        throw error
    }
    await lookup.shutdown()
    await server.close()
}

/// A switch that server and test share.
final class Flag: Sendable {
    private let value = Mutex(false)
    var isSet: Bool { value.withLock { $0 } }
    func set(_ isSet: Bool) { value.withLock { $0 = isSet } }
}
