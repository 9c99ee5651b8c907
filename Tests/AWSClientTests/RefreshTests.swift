import AWSClient
import AWSSigning
import Foundation
import Synchronization
import Testing

private func key(_ name: String) -> SigningCredentials { SigningCredentials(accessKeyID: name, secretAccessKey: "s") }

/// A source whose answers and clock a test decides on.
private final class Source: Sendable {
    struct State {
        var now = 1000.0
        var loads = 0
        var lifetime: Double? = 600
        var failure: CredentialError?
        var isHeld = false
        var warnings: [String] = []
    }

    let state = Mutex(State())

    var provider: CredentialProvider { provider(.none) }

    func provider(_ patience: CredentialPatience) -> CredentialProvider {
        .refreshing(
            now: { self.state.withLock(\.now) }, patience: patience,
            warn: { text in self.state.withLock { $0.warnings.append(text) } }
        ) {
            while self.state.withLock(\.isHeld) { try await Task.sleep(for: .milliseconds(2)) }
            return try self.state.withLock { state in
                state.loads += 1
                if let failure = state.failure { throw failure }
                return LoadedCredentials(
                    key("K\(state.loads)"), expiration: state.lifetime.map { state.now + $0 })
            }
        }
    }

    func set(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }

    /// Waits for what goes on in the background.
    func untilLoads(_ count: Int) async throws {
        for _ in 0..<2000 where state.withLock(\.loads) < count { try await Task.sleep(for: .milliseconds(2)) }
        #expect(state.withLock(\.loads) == count)
        // The load is over before its result is taken in.
        try await Task.sleep(for: .milliseconds(20))
    }
}

@Suite(.timeLimit(.minutes(1))) struct RefreshTests {
    @Test(arguments: [
        [900, 300], [1200, 300], [1201, 600.5], [3600, 900], [5399, 900], [7200, 3600], [21_600, 3600], [6, 3], [0, 0],
        [-5, 0],
    ])
    func windows(lifetimeAndWindow: [Double]) {
        // Just above 20 min, 15 min would be more than half.
        #expect(RefreshSchedule.window(lifetime: lifetimeAndWindow[0]) == lifetimeAndWindow[1])
    }

    @Test func manyCallersOneLoad() async throws {
        let source = Source()
        source.set { $0.isHeld = true }
        let provider = source.provider
        try await withThrowingTaskGroup(of: SigningCredentials.self) { group in
            for _ in 0..<200 { group.addTask { try await provider.credentials() } }
            try await Task.sleep(for: .milliseconds(30))
            source.set { $0.isHeld = false }
            for try await credentials in group { #expect(credentials == key("K1")) }
        }
        #expect(source.state.withLock(\.loads) == 1)
    }

    @Test func refreshesAheadInTheBackground() async throws {
        let source = Source()
        let provider = source.provider
        _ = try await provider.credentials()
        source.set { $0.now += 299 }
        #expect(try await provider.credentials() == key("K1"))
        source.set {
            $0.now += 2
            $0.isHeld = true
        }
        // Nobody waits while the credentials at hand live.
        for _ in 0..<50 { #expect(try await provider.credentials() == key("K1")) }
        source.set { $0.isHeld = false }
        try await source.untilLoads(2)
        #expect(try await provider.credentials() == key("K2"))
    }

    @Test func expiredOnesAreWaitedFor() async throws {
        let source = Source()
        let provider = source.provider
        _ = try await provider.credentials()
        source.set { $0.now += 601 }
        #expect(try await provider.credentials() == key("K2"))
    }

    @Test func staticOnesStay() async throws {
        let source = Source()
        source.set { $0.lifetime = nil }
        let provider = source.provider
        _ = try await provider.credentials()
        source.set { $0.now += 1e9 }
        #expect(try await provider.credentials() == key("K1"))
        #expect(source.state.withLock(\.loads) == 1)
    }

    @Test func aFailedRefreshKeepsLivingCredentials() async throws {
        let source = Source()
        let provider = source.provider
        _ = try await provider.credentials()
        source.set {
            $0.now += 400
            $0.failure = CredentialError("profile 'x': refused", hint: "do this")
        }
        #expect(try await provider.credentials() == key("K1"))
        try await source.untilLoads(2)
        // Not asked again for every call.
        for _ in 0..<50 { #expect(try await provider.credentials() == key("K1")) }
        #expect(source.state.withLock(\.loads) == 2)
        #expect(source.state.withLock(\.warnings).count == 1)
        #expect(source.state.withLock(\.warnings)[0].contains("profile 'x': refused"))
        source.set {
            $0.now += 61
            $0.failure = nil
        }
        _ = try await provider.credentials()
        try await source.untilLoads(3)
        #expect(try await provider.credentials() == key("K3"))
    }

    @Test func aRefusedRefreshOfExpiredOnesIsToldOnce() async throws {
        let source = Source()
        let provider = source.provider
        _ = try await provider.credentials()
        source.set {
            $0.now += 601
            $0.failure = CredentialError("the SSO token has expired")
        }
        await #expect(throws: CredentialError("the SSO token has expired")) { _ = try await provider.credentials() }
        source.set { $0.failure = nil }
        #expect(try await provider.credentials() == key("K3"))
    }

    /// With the source away, the service says whether credentials are expired; this machine's clock may be ahead.
    @Test func withTheSourceAwayTheServiceDecides() async throws {
        let source = Source()
        let provider = source.provider
        _ = try await provider.credentials()
        source.set {
            $0.now += 601
            $0.failure = CredentialError("STS can't be asked", kind: .away)
        }
        #expect(try await provider.credentials() == key("K1"))
        await #expect(throws: CredentialError.self) { _ = try await provider.credentials(rejected: key("K1")) }
        source.set { $0.failure = nil }
        #expect(try await provider.credentials(rejected: key("K1")) == key("K4"))
        #expect(try await provider.credentials(rejected: key("K1")) == key("K4"))
    }

    @Test func aFirstFailureIsNotForEver() async throws {
        let source = Source()
        source.set { $0.failure = CredentialError("away", kind: .away) }
        let provider = source.provider
        for _ in 0..<2 {
            await #expect(throws: CredentialError.self) { _ = try await provider.credentials() }
        }
        source.set { $0.failure = nil }
        #expect(try await provider.credentials() == key("K3"))
    }

    @Test func thoseThatComeExpiredDoNotFloodTheirSource() async throws {
        let source = Source()
        source.set { $0.lifetime = -7200 }
        let provider = source.provider
        for _ in 0..<20 { #expect(try await provider.credentials() == key("K1")) }
        #expect(source.state.withLock(\.loads) == 1)
    }

    @Test func aCancelledCallerLeavesAtOnce() async throws {
        let source = Source()
        source.set { $0.isHeld = true }
        let provider = source.provider
        let caller = Task { try await provider.credentials() }
        try await Task.sleep(for: .milliseconds(20))
        caller.cancel()
        await #expect(throws: CancellationError.self) { _ = try await caller.value }
        source.set { $0.isHeld = false }
        #expect(try await provider.credentials() == key("K1"))
        provider.shutdown()
        await #expect(throws: CancellationError.self) { _ = try await provider.credentials() }
    }

    // MARK: - A source that is away

    private static let away = CredentialError("STS can't be asked", kind: .away)

    /// Waits until a condition holds.
    private static func until(_ condition: () -> Bool) async throws {
        for _ in 0..<2000 where !condition() { try await Task.sleep(for: .milliseconds(2)) }
        #expect(condition())
    }

    /// At the start and later on, callers wait until it answers; what holds them is told.
    @Test(arguments: [false, true])
    func callersWait(hadCredentials: Bool) async throws {
        let source = Source()
        let provider = source.provider(CredentialPatience(start: 30, outage: 30, pause: 0.005))
        if hadCredentials { _ = try await provider.credentials() }
        source.set { $0.failure = Self.away }
        let rejected = hadCredentials ? key("K1") : nil
        let callers = (0..<20).map { number in
            // What the service called expired is nobody's any more.
            Task { try await provider.credentials(rejected: number == 0 ? rejected : nil) }
        }
        try await Self.until { source.state.withLock(\.loads) > 4 }
        if hadCredentials { #expect(provider.hold?.contains("STS can't be asked") == true) }
        source.set { $0.failure = nil }
        let last = try await callers[0].value
        #expect(last != key("K1"))
        if !hadCredentials { for caller in callers { #expect(try await caller.value == last) } }
        for caller in callers { _ = try await caller.value }
        try await Self.until { provider.hold == nil }
        #expect(source.state.withLock(\.warnings).count <= 1)
    }

    @Test func rejectedOnesAreNotHandedOutAgain() async throws {
        let source = Source()
        let provider = source.provider(CredentialPatience(start: 30, outage: 30, pause: 0.005))
        _ = try await provider.credentials()
        source.set { $0.failure = Self.away }
        let first = Task { try await provider.credentials(rejected: key("K1")) }
        try await Self.until { provider.hold != nil }
        let second = Task { try await provider.credentials() }
        try await Self.until { source.state.withLock(\.loads) > 6 }
        source.set { $0.failure = nil }
        #expect(try await first.value == second.value)
        #expect(try await first.value != key("K1"))
    }

    @Test(arguments: [(false, 0.3, 1000.0), (true, 1000.0, 0.3)])
    func patienceEnds(hadCredentials: Bool, start: Double, outage: Double) async throws {
        let source = Source()
        let provider = source.provider(CredentialPatience(start: start, outage: outage, pause: 0.01))
        if hadCredentials { _ = try await provider.credentials() }
        source.set { $0.failure = Self.away }
        let error = await #expect(throws: CredentialError.self) {
            _ = try await provider.credentials(rejected: hadCredentials ? key("K1") : nil)
        }
        #expect(error?.kind == .away)
        #expect(source.state.withLock(\.loads) >= 2 && provider.hold == nil)
    }

    /// A refusal is one at any time; files and hosts that can't be used are, until they have been.
    @Test(arguments: [CredentialError.Kind.refusal, .unsettled, .unreachable])
    func othersAreNotWaitedFor(kind: CredentialError.Kind) async throws {
        let source = Source()
        let provider = source.provider(CredentialPatience(start: 30, outage: 0.3, pause: 0.01))
        source.set { $0.failure = CredentialError("no", kind: kind) }
        await #expect(throws: CredentialError("no", kind: kind)) { _ = try await provider.credentials() }
        #expect(source.state.withLock(\.loads) == 1)
        source.set { $0.failure = nil }
        _ = try await provider.credentials()
        source.set { $0.failure = CredentialError("no", kind: kind) }
        let later = await #expect(throws: CredentialError.self) {
            _ = try await provider.credentials(rejected: key("K2"))
        }
        #expect(later?.kind == (kind == .refusal ? .refusal : .away))
        #expect(kind == .refusal ? source.state.withLock(\.loads) == 3 : source.state.withLock(\.loads) > 3)
    }

    @Test func shutdownEndsTheWait() async throws {
        let source = Source()
        source.set { $0.failure = Self.away }
        let provider = source.provider(CredentialPatience(start: 1000, outage: 1000, pause: 1000))
        let caller = Task { try await provider.credentials() }
        try await Self.until { provider.hold != nil }
        provider.shutdown()
        await #expect(throws: (any Error).self) { _ = try await caller.value }
    }
}
