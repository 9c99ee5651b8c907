/// SplitMix64: small, and the same everywhere.
struct SinkRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func record(asArchive: Bool) -> SinkFixture.Record {
        let user = "u\(Int.random(in: 0..<6, using: &self))"
        if asArchive {
            let endpoint = endpoint()
            return Int.random(in: 0..<6, using: &self) == 0
                ? .filtered(endpoint.id, effectiveDate: endpoint.effectiveDate) : .line(user, endpoint)
        }
        switch Int.random(in: 0..<10, using: &self) {
        case 0: return .failed(user)
        case 1: return .absent(user)
        default: return .found(user, (0..<Int.random(in: 0...4, using: &self)).map { _ in endpoint() })
        }
    }

    /// What the service says of a user.
    mutating func answer(of user: String) -> SinkFixture.Record {
        if Int.random(in: 0..<8, using: &self) == 0 { return .absent(user) }
        return .found(user, (0..<Int.random(in: 0...3, using: &self)).map { _ in endpoint() })
    }

    /// One of a few endpoints in one of its few states, so that equal ones meet.
    private mutating func endpoint() -> SinkFixture.Endpoint {
        let number = Int.random(in: 0..<12, using: &self)
        var state = SinkRandom(seed: UInt64(number * 4 + Int.random(in: 0..<4, using: &self)))
        return state.endpoint(number)
    }

    private mutating func endpoint(_ number: Int) -> SinkFixture.Endpoint {
        var attributes: [String: [String]] = [:]
        for _ in 0..<Int.random(in: 0...2, using: &self) {
            attributes["a\(Int.random(in: 0..<3, using: &self))"] =
                (0..<Int.random(in: 1...3, using: &self)).map { _ in String(next() % 100) }
        }
        var metrics: [String: Double] = [:]
        if Bool.random(using: &self) { metrics["m"] = Double(next() % 1000) / 8 }
        return SinkFixture.Endpoint(
            "e\(number)", address: Bool.random(using: &self) ? String(next()) : nil,
            effectiveDate: date(), attributes: attributes, metrics: metrics)
    }

    /// One of a few, so that equal ones meet, and now and then none. Their bytes differ in every place that dates differ in.
    private mutating func date() -> String? {
        let dates = [
            "1999-12-31T23:59:59.999Z", "2025-09-30T10:00:00.000Z", "2025-10-01T09:59:59.999Z",
            "2026-01-02T03:04:05.677Z", "2026-01-02T03:04:05.678Z",
        ]
        return Int.random(in: 0..<6, using: &self) == 0 ? nil : dates.randomElement(using: &self)
    }
}
