/// What goes wrong on purpose, and how often.
///
/// What happens to a request depends on the seed, its user's ID and how often that user was asked for before, never on timing; so a run
/// can be repeated, and whoever asks again meets another draw.
public struct FaultPlan: Sendable, Hashable {
    /// One kind of fault.
    public enum Fault: Sendable, Hashable {
        /// An error of this status, 400 to 599, with the API's code for it. 404 comes as plain text, as from a proxy.
        case status(Int)
        /// The connection is reset (RST) before a byte of the answer.
        case reset
        /// The head promises more than is sent; then the connection ends.
        case truncate
        /// 200 with a page of HTML.
        case html
        /// The right answer, this much later.
        case delay(Duration)
        /// The right answer, which pauses for this long in the middle of its body.
        case stall(Duration)
    }

    /// Each with its share of the requests. The shares add up to 1 at most.
    public private(set) var faults: [(fault: Fault, share: Double)] = []
    /// Delays of the first answer alone, each with its share of the users.
    public private(set) var firstDelays: [(delay: Duration, share: Double)] = []

    public static func == (one: FaultPlan, other: FaultPlan) -> Bool {
        one.faults.elementsEqual(other.faults) { $0 == $1 }
            && one.firstDelays.elementsEqual(other.firstDelays) { $0 == $1 }
    }

    public func hash(into hasher: inout Hasher) {
        for (fault, share) in faults {
            hasher.combine(fault)
            hasher.combine(share)
        }
        for (delay, share) in firstDelays {
            hasher.combine(delay)
            hasher.combine(share)
        }
    }

    /// No faults.
    public init() {}

    public var isEmpty: Bool { faults.isEmpty && firstDelays.isEmpty }

    /// A specification that can't be read, and why.
    public struct Malformed: Error, Sendable, Hashable, CustomStringConvertible {
        public let description: String
    }

    /// Reads `status:500=0.01,reset=0.005,truncate=0.002,html=0.001,delay:2s=0.001,stall:5s=0.001,first-delay:9s=0.001`.
    public init(parsing specification: String) throws(Malformed) {
        for part in specification.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", omittingEmptySubsequences: false)
            guard sides.count == 2 else {
                throw Malformed(description: "'\(part)' isn't of the form kind=share or kind:value=share")
            }
            guard let share = Double(sides[1]), share >= 0, share <= 1 else {
                throw Malformed(description: "the share '\(sides[1])' in '\(part)' isn't a number from 0 to 1")
            }
            let words = sides[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            if words[0] == "first-delay" {
                firstDelays.append((try Self.duration(words, part), share))
            } else {
                faults.append((try Self.fault(words, part), share))
            }
        }
        for shares in [faults.map(\.share), firstDelays.map(\.share)] where shares.reduce(0, +) > 1 + 1e-9 {
            throw Malformed(description: "the shares add up to more than 1")
        }
    }

    private static func fault(_ words: [Substring], _ part: Substring) throws(Malformed) -> Fault {
        switch words[0] {
        case "status":
            guard words.count == 2, let status = Int(words[1]), (400...599).contains(status) else {
                throw Malformed(description: "'\(part)' needs a status from 400 to 599, as in status:500=0.01")
            }
            return .status(status)
        case "delay": return .delay(try duration(words, part))
        case "stall": return .stall(try duration(words, part))
        case "reset", "truncate", "html":
            guard words.count == 1 else {
                throw Malformed(description: "'\(words[0])' takes no value, so '\(part)' isn't read")
            }
            return words[0] == "reset" ? .reset : words[0] == "truncate" ? .truncate : .html
        default:
            throw Malformed(
                description: "unknown fault '\(words[0])'; known are status:CODE, reset, truncate, html, delay:TIME, "
                    + "stall:TIME and first-delay:TIME")
        }
    }

    private static func duration(_ words: [Substring], _ part: Substring) throws(Malformed) -> Duration {
        guard words.count == 2, let duration = Duration(serverOption: words[1]) else {
            throw Malformed(description: "'\(part)' needs a time, as in \(words[0]):2s=0.001 (ms, s, m or h)")
        }
        return duration
    }

    /// What happens to a request.
    ///
    /// - Parameter attempt: how often this user was asked for before. Nothing happens from the 255th on, so that everybody gets an answer.
    package func draw(id: [UInt8], seed: UInt64, attempt: UInt8) -> Fault? {
        if attempt == 0, !firstDelays.isEmpty {
            var point = unitInterval(stableHash(id, seed: seed, salt: 2))
            for (delay, share) in firstDelays {
                if point < share { return .delay(delay) }
                point -= share
            }
        }
        guard !faults.isEmpty, attempt < .max else { return nil }
        var point = unitInterval(stableHash(id, seed: seed, salt: 3 + UInt64(attempt)))
        for (fault, share) in faults {
            if point < share { return fault }
            point -= share
        }
        return nil
    }
}

extension Duration {
    /// Reads `500ms`, `20s`, `5m`, `1h`; nil for anything else, and for more than a day.
    public init?(serverOption text: some StringProtocol) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, let number = Int64(digits), number <= 86_400_000 else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": self = .milliseconds(number)
        case "s" where number <= 86_400: self = .seconds(number)
        case "m" where number <= 1440: self = .seconds(number * 60)
        case "h" where number <= 24: self = .seconds(number * 3600)
        default: return nil
        }
    }
}
