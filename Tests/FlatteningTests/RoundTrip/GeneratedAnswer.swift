/// Endpoints as nobody would wish them: every type in every place, nulls, empty lists, odd names, odd numbers.
struct GeneratedAnswer {
    /// One for each endpoint.
    var endpoints: [WireValue] = []
    /// `{"Item":[…]}`
    var body = ""

    init(ordinal: Int, _ random: inout RoundTripRandom) {
        var texts: [String] = []
        for number in 0..<random.below(4) {
            var written = "{"
            var members: [[UInt16]: WireValue] = [:]
            func add(_ name: String, _ value: Piece) {
                let name = Array(name.utf16)
                if members[name] != nil { return }
                if !members.isEmpty { written += "," }
                members[name] = value.value
                written += Self.quoted(name, &random) + ":" + value.text
            }
            add("Id", Piece(.text("e\(ordinal)-\(number)"), "\"e\(ordinal)-\(number)\""))
            for name in Self.texts where random.one(in: 3) { add(name, Self.odd(&random) { Self.string(&$0) }) }
            for name in ["CreationDate", "EffectiveDate"] where random.one(in: 2) {
                add(name, Self.odd(&random) { Self.date(&$0) })
            }
            if random.one(in: 3) { add("ApplicationId", Self.odd(&random) { Self.asked("app", &$0) }) }
            if random.one(in: 2) { add("Attributes", Self.odd(&random) { Self.lists(&$0) }) }
            if random.one(in: 2) { add("Metrics", Self.odd(&random) { Self.metrics(&$0) }) }
            if random.one(in: 3) { add("Demographic", Self.odd(&random) { Self.known(Self.demographic, [], &$0) }) }
            if random.one(in: 3) {
                add("Location", Self.odd(&random) { Self.known(["City", "Country"], ["Latitude", "Longitude"], &$0) })
            }
            if random.one(in: 2) { add("User", Self.odd(&random) { Self.user(&$0) }) }
            if random.one(in: 6) { add("New", Self.anything(&random, depth: 3)) }
            if random.one(in: 20) { add("$json", Self.anything(&random, depth: 2)) }
            if random.one(in: 20) { add("x\0", Self.anything(&random, depth: 1)) }
            endpoints.append(.map(members))
            texts.append(written + "}")
        }
        body = "{\"Item\":[" + texts.joined(separator: ",") + "]}"
    }

    /// A value with one of its spellings.
    private struct Piece {
        var value: WireValue
        var text: String

        init(_ value: WireValue, _ text: String) {
            self.value = value
            self.text = text
        }
    }

    private static let texts = ["Address", "ChannelType", "CohortId", "EndpointStatus", "OptOut", "RequestId"]
    private static let demographic = ["AppVersion", "Locale", "Make", "ModelVersion", "Timezone"]
    private static let names = ["Interests", "a", "A", "a.b", "", "é", "😀", "$json", "x\0", "Plan", "name", "values"]
    private static let numbers = [
        "0", "-0.0", "6", "6.0", "60e-1", "0.1", "0.1000000000000000055511151231257827", "1e23", "12345678901234567890",
        "9007199254740993", "1e308", "1e309", "-1e999", "1e999999", "1e-400", "5e-324", "52.52001", "-13.404954",
        "0.30000000000000004", "1E21", "1.00000000000000000000000000000000000000", "0e999999", "2.5e-7",
    ]
    private static let dates = [
        "2018-05-01T17:31:01.046Z", "2018-05-01T17:31:01Z", "2018-05-01T17:31:01.046+02:00", "2018-05-01", "soon", "",
        "2019-02-29T00:00:00.000Z", "2020-02-29T23:59:59.999Z", "9999-12-31T23:59:59.999-00:01",
    ]

    private static func odd(_ random: inout RoundTripRandom, _ usual: (inout RoundTripRandom) -> Piece) -> Piece {
        random.one(in: 12) ? anything(&random, depth: 2) : usual(&random)
    }

    private static func anything(_ random: inout RoundTripRandom, depth: Int) -> Piece {
        switch random.below(depth > 0 ? 7 : 4) {
        case 0: return Piece(.null, "null")
        case 1: return random.one(in: 2) ? Piece(.boolean(true), "true") : Piece(.boolean(false), "false")
        case 2: return number(&random)
        case 3: return string(&random)
        case 4, 5: return list((0..<random.below(4)).map { _ in anything(&random, depth: depth - 1) })
        default:
            var pieces: [([UInt16], Piece)] = []
            for _ in 0..<random.below(4) {
                pieces.append((name(&random), anything(&random, depth: depth - 1)))
            }
            return map(pieces, &random)
        }
    }

    private static func number(_ random: inout RoundTripRandom) -> Piece {
        let source =
            random.one(in: 2)
            ? numbers[random.below(numbers.count)]
            : "\(random.one(in: 2) ? "-" : "")\(random.below(100_000)).\(random.below(10_000))"
        return Piece(.number(source), source)
    }

    private static func string(_ random: inout RoundTripRandom) -> Piece {
        var units: [UInt16] = []
        for _ in 0..<random.below(6) {
            switch random.below(40) {
            case 0: units.append(0)
            case 1: units.append(UInt16(0xD800 + random.below(0x800)))
            case 2...4: units += Array("😀\u{10FFFF}\u{FFFD}é\u{301}日".utf16.shuffled(using: &random).prefix(1))
            case 5...7: units += Array("é日ß".utf16.shuffled(using: &random).prefix(1))
            case 8: units.append(UInt16(random.below(0x20) + 1))
            case 9: units += Array("\"\\/".utf16.shuffled(using: &random).prefix(1))
            default: units.append(UInt16(0x61 + random.below(26)))
            }
        }
        return Piece(.string(units), quoted(units, &random))
    }

    private static func date(_ random: inout RoundTripRandom) -> Piece {
        let date = random.one(in: 2) ? dates[0] : dates[random.below(dates.count)]
        return Piece(.text(date), quoted(Array(date.utf16), &random))
    }

    /// What was asked for, or something else.
    private static func asked(_ text: String, _ random: inout RoundTripRandom) -> Piece {
        random.one(in: 4) ? string(&random) : Piece(.text(text), quoted(Array(text.utf16), &random))
    }

    private static func name(_ random: inout RoundTripRandom) -> [UInt16] {
        if random.one(in: 30) { return [0x78, UInt16(0xD800 + random.below(0x400))] }
        return Array(names[random.below(names.count)].utf16)
    }

    private static func lists(_ random: inout RoundTripRandom) -> Piece {
        map(
            (0..<random.below(4)).map { _ in
                let items = (0..<random.below(4)).map { _ in odd(&random) { string(&$0) } }
                return (name(&random), odd(&random) { _ in list(items) })
            }, &random)
    }

    private static func metrics(_ random: inout RoundTripRandom) -> Piece {
        map((0..<random.below(4)).map { _ in (name(&random), odd(&random) { number(&$0) }) }, &random)
    }

    private static func known(_ texts: [String], _ reals: [String], _ random: inout RoundTripRandom) -> Piece {
        var pieces: [([UInt16], Piece)] = []
        for name in texts where random.one(in: 2) { pieces.append((Array(name.utf16), odd(&random) { string(&$0) })) }
        for name in reals where random.one(in: 2) { pieces.append((Array(name.utf16), odd(&random) { number(&$0) })) }
        if random.one(in: 8) { pieces.append((name(&random), anything(&random, depth: 1))) }
        return map(pieces, &random)
    }

    private static func user(_ random: inout RoundTripRandom) -> Piece {
        var pieces: [([UInt16], Piece)] = []
        if random.one(in: 2) { pieces.append((Array("UserId".utf16), odd(&random) { asked("u", &$0) })) }
        if random.one(in: 2) { pieces.append((Array("UserAttributes".utf16), odd(&random) { lists(&$0) })) }
        if random.one(in: 8) { pieces.append((name(&random), anything(&random, depth: 1))) }
        return map(pieces, &random)
    }

    private static func list(_ items: [Piece]) -> Piece {
        Piece(.list(items.map(\.value)), "[" + items.map(\.text).joined(separator: " , ") + "]")
    }

    /// Of equal names the last counts.
    private static func map(_ pieces: [([UInt16], Piece)], _ random: inout RoundTripRandom) -> Piece {
        var members: [[UInt16]: WireValue] = [:]
        var texts: [String] = []
        for (name, piece) in pieces {
            members[name] = piece.value
            texts.append(quoted(name, &random) + ": " + piece.text)
        }
        return Piece(.map(members), "{" + texts.joined(separator: ",") + "}")
    }

    /// A string as one of many who write JSON would spell it.
    private static func quoted(_ units: [UInt16], _ random: inout RoundTripRandom) -> String {
        var text = "\""
        var index = 0
        while index < units.count {
            let unit = units[index]
            index += 1
            if unit & 0xFC00 == 0xD800, index < units.count, units[index] & 0xFC00 == 0xDC00, random.one(in: 2) {
                text += String(decoding: [unit, units[index]], as: UTF16.self)
                index += 1
            } else if unit < 0x20 || unit & 0xF800 == 0xD800 || unit == 0x22 || unit == 0x5C || random.one(in: 20) {
                let digits = String(unit, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            } else {
                text += String(decoding: [unit], as: UTF16.self)
            }
        }
        return text + "\""
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014), whose seed a test prints.
struct RoundTripRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ limit: Int) -> Int { limit < 1 ? 0 : Int(next() % UInt64(limit)) }
    mutating func one(in count: Int) -> Bool { below(count) == 0 }
}
