/// A user as its ID and the seed determine it.
struct SyntheticUser {
    /// What is strange about an `odd-…` user's endpoints beyond what all synthetic data is.
    enum Oddity: Sendable {
        /// `"User":{}`
        case emptyUser
        /// User.UserId names somebody else.
        case foreignUser
        case withoutIdentifier
        /// The JSON source text of every endpoint's Id.
        case identifier(StaticString)
        /// Ids that differ in case only.
        case sameIdentifier
    }

    /// UTF-8.
    let id: [UInt8]
    let hash: UInt64
    /// 0 to 15.
    let endpointCount: Int
    let isAbsent: Bool
    let oddity: Oddity?
    private let firstNumber: UInt64

    /// A user of the population.
    init(id: [UInt8], index: Int, seed: UInt64) {
        self.id = id
        hash = stableHash(id, seed: seed)
        var random = SplitMix64(seed: hash)
        isAbsent = random.chance(30)
        endpointCount = isAbsent ? 0 : Self.drawCount(&random)
        oddity = nil
        firstNumber = SplitMix64.mix(seed) ^ (UInt64(index) << 4)
    }

    /// A user outside the population, always found, with at least one endpoint.
    init(oddID id: [UInt8], seed: UInt64, oddity: Oddity? = nil) {
        self.id = id
        hash = stableHash(id, seed: seed)
        var random = SplitMix64(seed: hash)
        isAbsent = false
        endpointCount = max(2, Self.drawCount(&random))
        self.oddity = oddity
        firstNumber = SplitMix64.mix(seed) ^ (hash | 1 << 63) & ~15
    }

    /// A number that no other endpoint of the population has, nor, but for one chance in 2^59, one of an odd user.
    func uniqueNumber(ofEndpoint index: Int) -> UInt64 { SplitMix64.mix(firstNumber ^ UInt64(index)) }

    /// 0 to 15, with a mean of about 2.6: most people have one or two devices, a few have all that the API allows.
    private static func drawCount(_ random: inout SplitMix64) -> Int {
        switch random.below(100) {
        case 0..<6: 0
        case 6..<40: 1
        case 40..<64: 2
        case 64..<78: 3
        case 78..<86: 4
        case 86..<91: 5
        case 91..<94: 6
        case 94..<96: 7
        case 96..<97: 8
        default: 9 + random.below(7)
        }
    }
}
