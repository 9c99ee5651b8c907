extension EndpointSynthesis {
    /// A map of lists of strings: most of them plain, some empty, null, or with names and elements of every kind.
    mutating func lists(_ name: StaticString) {
        key(name)
        map { synthesis in synthesis.list() }
    }

    mutating func metrics() {
        key(#""Metrics""#)
        map { synthesis in synthesis.metric() }
    }

    /// 1 to 12 entries with distinct names, one name in some two hundred maps twice.
    private mutating func map(_ value: (inout EndpointSynthesis) -> Void) {
        let form = random.below(1000)
        if form < 25 { return text.raw("{}") }
        if form < 30 { return text.raw("null") }
        let count = form < 45 ? 12 : 1 + random.below(5)
        let start = random.below(Vocabulary.names.count)
        let hasOddName = random.chance(12)
        let repeatsName = random.chance(6)
        object { synthesis in
            for index in 0..<count {
                synthesis.key(Vocabulary.names[(start + index) % Vocabulary.names.count])
                value(&synthesis)
            }
            if hasOddName {
                synthesis.key(synthesis.pick(Vocabulary.oddNames))
                value(&synthesis)
            }
            if repeatsName {
                synthesis.key(Vocabulary.names[start])
                value(&synthesis)
            }
        }
    }

    private mutating func list() {
        let form = random.below(1000)
        if form < 6 { return text.raw("null") }
        if form < 20 { return text.raw("[]") }
        if form < 23 { return text.raw(#"["1",2,true,null,{"a":[]},"x"]"#) }
        if form < 26 { return text.raw(#""bare""#) }
        let count = form < 30 ? 50 : form < 650 ? 1 : form < 850 ? 2 : 3 + random.below(4)
        text.open("[")
        for index in 0..<count {
            if index > 0 { text.comma() }
            string()
        }
        if form > 994 {
            text.comma()
            text.raw("null")
        }
        text.close("]")
    }

    private mutating func string() {
        let form = random.below(1000)
        switch form {
        case 0..<600: text.raw(pick(Vocabulary.words))
        case 600..<850:
            text.byte("\"")
            text.number(random.below(100_000))
            text.byte("\"")
        case 850..<960: text.raw(pick(Vocabulary.scripts))
        default: text.raw(pick(Vocabulary.oddTexts))
        }
    }

    private mutating func metric() {
        switch random.below(1000) {
        case 0..<10: text.raw("null")
        case 10..<13: text.raw(#""6""#)
        default: number()
        }
    }

    private mutating func number() {
        switch random.below(1000) {
        case 0..<400: text.number(random.below(100))
        case 400..<650:
            text.number(random.below(100))
            text.raw(".0")
        case 650..<880:
            if random.chance(200) { text.byte("-") }
            text.number(random.below(1000))
            text.byte(".")
            text.number(random.below(100), digits: 2)
        case 880..<930: text.raw(pick(Vocabulary.spelledNumbers))
        case 930..<960: text.number(Int(random.next() >> 11))
        case 960..<995: text.raw(pick(Vocabulary.wideNumbers))
        default: text.raw(pick(Vocabulary.overflowingNumbers))
        }
    }

    mutating func demographic() {
        key(#""Demographic""#)
        let form = random.below(1000)
        if form < 10 { return text.raw("null") }
        if form < 30 { return text.raw("{}") }
        object { synthesis in
            for (index, name) in Vocabulary.demographicNames.enumerated() where !synthesis.random.chance(250) {
                synthesis.member(name, Vocabulary.demographicValues[index])
            }
            if form > 975 { synthesis.unknownMember() }
        }
    }

    mutating func location() {
        key(#""Location""#)
        let form = random.below(1000)
        if form < 10 { return text.raw("null") }
        if form < 60 { return text.raw("{}") }
        object { synthesis in
            if !synthesis.random.chance(300) { synthesis.member(#""City""#, Vocabulary.cities) }
            if !synthesis.random.chance(100) { synthesis.member(#""Country""#, Vocabulary.countries) }
            if !synthesis.random.chance(400) {
                synthesis.coordinate(#""Latitude""#, bound: 90)
                synthesis.coordinate(#""Longitude""#, bound: 180)
            }
            if !synthesis.random.chance(400) {
                synthesis.key(#""PostalCode""#)
                synthesis.text.byte("\"")
                synthesis.text.number(synthesis.random.below(100_000), digits: 5)
                synthesis.text.byte("\"")
            }
            if !synthesis.random.chance(500) { synthesis.member(#""Region""#, Vocabulary.regions) }
            if form > 985 { synthesis.unknownMember() }
        }
    }

    private mutating func member(_ name: StaticString, _ values: [StaticString]) {
        key(name)
        let form = random.below(1000)
        text.raw(form < 8 ? "null" : form < 16 ? pick(Vocabulary.oddTexts) : pick(values))
    }

    private mutating func coordinate(_ name: StaticString, bound: Int) {
        key(name)
        let form = random.below(1000)
        if form < 10 { return text.raw("null") }
        if form < 30 { return number() }
        if random.chance(400) { text.byte("-") }
        text.number(random.below(bound))
        if form < 80 { return }
        text.byte(".")
        // Four digits mostly; a few positions carry more than a double holds.
        text.number(random.below(10_000), digits: 4)
        if form > 985 { text.raw("12345678901234567") }
    }

    mutating func date(_ name: StaticString, oddPerMille: Int) {
        let form = random.below(1000)
        if form < 10 { return }
        key(name)
        if form < 14 { return text.raw("null") }
        if form > 999 - oddPerMille { return text.raw(pick(Vocabulary.oddDates)) }
        text.byte("\"")
        text.number(2015 + random.below(11), digits: 4)
        text.byte("-")
        text.number(1 + random.below(12), digits: 2)
        text.byte("-")
        text.number(1 + random.below(28), digits: 2)
        text.byte("T")
        text.number(random.below(24), digits: 2)
        text.byte(":")
        text.number(random.below(60), digits: 2)
        text.byte(":")
        text.number(random.below(60), digits: 2)
        text.byte(".")
        text.number(random.below(1000), digits: 3)
        text.raw("Z\"")
    }

    mutating func uuid(_ high: UInt64, _ low: UInt64, upper: Bool = false) {
        text.byte("\"")
        text.hexadecimal(high >> 32, digits: 8, upper: upper)
        text.byte("-")
        text.hexadecimal(high >> 16, digits: 4, upper: upper)
        text.byte("-")
        text.hexadecimal(high, digits: 4, upper: upper)
        text.byte("-")
        text.hexadecimal(low >> 48, digits: 4, upper: upper)
        text.byte("-")
        text.hexadecimal(low, digits: 12, upper: upper)
        text.byte("\"")
    }
}
