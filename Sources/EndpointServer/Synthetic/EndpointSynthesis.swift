/// Writes endpoints as JSON, each a function of its user's hash and its index alone.
struct EndpointSynthesis {
    var text = JSONText()
    var random = SplitMix64(seed: 0)
    /// Between two members of the object at hand no comma is owed yet.
    private var isFirst = true

    /// Appends the user's endpoint of this index. It holds no line break, so it is a line of an archive as it stands.
    mutating func append(_ user: SyntheticUser, endpoint index: Int, application: some Sequence<UInt8>) {
        random = SplitMix64(seed: user.hash &+ UInt64(index) &* 0xD6E8_FEB8_6659_FD93)
        let style = random.below(100)
        text.spacing = style < 90 ? .compact : style < 96 ? .blanks : .tabs
        let channel = random.below(Vocabulary.channelTypes.count)
        // The members come in the order of the API's model, but for a few endpoints where they begin elsewhere.
        let rotation = random.chance(40) ? random.below(Self.memberCount) : 0
        isFirst = true
        text.open("{")
        for position in 0..<Self.memberCount {
            switch (position + rotation) % Self.memberCount {
            case 0: address(user, index, channel)
            case 1:
                key(#""ApplicationId""#)
                text.quoted(application)
            case 2: if !random.chance(30) { lists(#""Attributes""#) }
            case 3: channelType(channel)
            case 4: cohort()
            case 5: date(#""CreationDate""#, oddPerMille: 10)
            case 6: if !random.chance(80) { demographic() }
            case 7: date(#""EffectiveDate""#, oddPerMille: 80)
            case 8: status(isOldest: index == 0 && user.endpointCount > 2)
            case 9: identifier(user, index)
            case 10: if !random.chance(80) { location() }
            case 11: if !random.chance(150) { metrics() }
            case 12: optOut()
            case 13:
                key(#""RequestId""#)
                uuid(random.next(), random.next())
            case 14: userMember(user)
            case 15: if random.chance(40) { unknownMember() }
            default: if random.chance(6) { repeatedMember() }
            }
        }
        text.close("}")
        text.spacing = .compact
    }

    private static let memberCount = 17

    /// A comma where one is owed, then a name that is a JSON string already, and its colon.
    mutating func key(_ name: StaticString) {
        text.separate(&isFirst)
        text.key(name)
    }

    /// An object as the value of the name just written.
    mutating func object(_ members: (inout EndpointSynthesis) -> Void) {
        text.open("{")
        isFirst = true
        members(&self)
        isFirst = false
        text.close("}")
    }

    mutating func unknownMember() {
        text.separate(&isFirst)
        text.raw(pick(Vocabulary.unknownMembers))
    }

    mutating func pick(_ values: [StaticString]) -> StaticString { values[random.below(values.count)] }

    // MARK: Members

    private mutating func address(_ user: SyntheticUser, _ index: Int, _ channel: Int) {
        // Where an address stands on several endpoints, the first is the older one.
        let owner = random.chance(120) ? 0 : index
        let spelling = random.below(1000)
        guard spelling >= 8 else { return }
        key(#""Address""#)
        if spelling < 12 { return text.raw("null") }
        if spelling < 20 { return text.raw(pick(Vocabulary.oddTexts)) }
        var plain = JSONText()
        switch channel {
        case 0, 1, 2:
            plain.bytes.append(contentsOf: user.id)
            plain.byte(".")
            plain.number(owner)
            plain.raw("@example.com")
        case 3, 4, 13:
            plain.raw("+49151")
            plain.number(Int((user.hash &+ UInt64(owner)) % 100_000_000), digits: 8)
        default:
            plain.raw("token/")
            plain.hexadecimal(user.hash &+ UInt64(owner), digits: 16)
            plain.byte(":")
            plain.hexadecimal(user.hash, digits: 16, upper: true)
        }
        if spelling < 60 { text.quotedWithEscapes(plain.bytes) } else { text.quoted(plain.bytes) }
    }

    private mutating func channelType(_ channel: Int) {
        let form = random.below(1000)
        if form < 25 { return }
        key(#""ChannelType""#)
        text.raw(form < 30 ? "null" : Vocabulary.channelTypes[channel])
    }

    private mutating func cohort() {
        let form = random.below(1000)
        if form < 15 { return }
        key(#""CohortId""#)
        if form < 18 { return text.number(random.below(100)) }
        text.byte("\"")
        text.number(random.below(100))
        text.byte("\"")
    }

    private mutating func status(isOldest: Bool) {
        let form = random.below(1000)
        if form < 10 { return }
        key(#""EndpointStatus""#)
        text.raw(form < 13 ? "false" : form < 150 || isOldest ? #""INACTIVE""# : #""ACTIVE""#)
    }

    private mutating func optOut() {
        let form = random.below(1000)
        if form < 20 { return }
        key(#""OptOut""#)
        text.raw(form < 25 ? "null" : form < 150 ? #""ALL""# : #""NONE""#)
    }

    private mutating func identifier(_ user: SyntheticUser, _ index: Int) {
        switch user.oddity {
        case .withoutIdentifier: return
        case .identifier(let source):
            key(#""Id""#)
            return text.raw(source)
        case .sameIdentifier:
            key(#""Id""#)
            return text.raw(index % 2 == 0 ? #""Odd-Same-Id""# : #""odd-same-ID""#)
        case nil, .emptyUser, .foreignUser: break
        }
        key(#""Id""#)
        // Unique over all users, in whatever case: the number is, and every form has a beginning of its own.
        let unique = user.uniqueNumber(ofEndpoint: index)
        let rest = random.next()
        switch random.below(100) {
        case 0..<80: uuid(unique, rest)
        case 80..<85: uuid(unique, rest, upper: true)
        case 85..<90: decorated("ep:", unique, "#1?/\\\\x")
        case 90..<93: decorated("ünï 😀 ", unique, "")
        case 93..<96: decorated("\\u0041rn:aws:", unique, "\\/device")
        default: decorated("", unique, "")
        }
    }

    private mutating func decorated(_ prefix: StaticString, _ unique: UInt64, _ suffix: StaticString) {
        text.byte("\"")
        text.raw(prefix)
        text.hexadecimal(unique, digits: 16)
        text.raw(suffix)
        text.byte("\"")
    }

    private mutating func userMember(_ user: SyntheticUser) {
        key(#""User""#)
        if case .emptyUser = user.oddity { return text.raw("{}") }
        let identifierFirst = random.chance(30)
        let lags = random.chance(60)
        let form = random.below(1000)
        let escapes = random.chance(20)
        object { synthesis in
            if identifierFirst { synthesis.userIdentifier(user, escapes: escapes) }
            if form >= 40 {
                // Meant to be equal on a user's endpoints: drawn from the user, unless this endpoint lags behind.
                let own = synthesis.random
                if !lags { synthesis.random = SplitMix64(seed: ~user.hash) }
                synthesis.lists(#""UserAttributes""#)
                synthesis.random = own
            }
            if form > 985 { synthesis.unknownMember() }
            if !identifierFirst { synthesis.userIdentifier(user, escapes: escapes) }
        }
    }

    private mutating func userIdentifier(_ user: SyntheticUser, escapes: Bool) {
        key(#""UserId""#)
        if case .foreignUser = user.oddity { return text.raw(#""somebody-else""#) }
        if escapes { text.quotedWithEscapes(user.id) } else { text.quoted(user.id) }
    }

    /// A member once more: of duplicate keys the last counts.
    private mutating func repeatedMember() {
        switch random.below(4) {
        case 0:
            key(#""OptOut""#)
            text.raw(#""ALL""#)
        case 1: lists(#""Attributes""#)
        case 2: metrics()
        default: location()
        }
    }
}
