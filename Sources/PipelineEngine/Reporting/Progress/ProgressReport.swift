internal import PipelineCore

/// What a display tells of a run under way, in words and in figures.
package struct ProgressReport: Sendable {
    let reading: ProgressBoard.Reading
    /// Records a second; nil as long as there is none to tell.
    package let rate: Double?

    package init(_ reading: ProgressBoard.Reading, rate: Double?) {
        self.reading = reading
        self.rate = rate
    }

    /// Whether there is anything to tell: a run has begun, or something is waited for.
    package var isTelling: Bool { !reading.runID.isEmpty || reading.waiting != nil }

    /// Of the input, from 0 to 1; nil where that isn't known.
    package var share: Double? {
        guard let fraction = reading.fraction, fraction.isFinite, fraction > 0 else { return nil }
        return min(1, fraction)
    }

    /// Until the end of the input; nil where that isn't known.
    package var secondsLeft: Double? {
        guard let share, let rate, rate > 0 else { return nil }
        return Double(reading.records) * (1 - share) / share / rate
    }

    var found: Int { max(0, reading.records - reading.absent - reading.failed) }

    /// All of it on one line.
    package var text: String { parts.map(\.text).joined(separator: Self.separator) }

    /// The most of it that fits into so many columns, the least important parts left out first.
    package func line(width: Int, style: TextStyle = .plain) -> String {
        var rest = width
        var kept: [Subject: String] = [:]
        for part in parts.sorted(by: { $0.subject.rawValue < $1.subject.rawValue }) {
            let room = rest - (kept.isEmpty ? 0 : DisplayWidth.of(Self.separator))
            var text = part.text
            if DisplayWidth.of(text) > room {
                guard kept.isEmpty || part.subject == .waiting && room >= Self.shortestWait else { continue }
                text = Self.cut(text, to: room)
            }
            kept[part.subject] = text
            rest = room - DisplayWidth.of(text)
        }
        return parts.compactMap { part in kept[part.subject].map { Self.painted($0, part.subject, style) } }
            .joined(separator: Self.separator)
    }

    private static let separator = " · "
    /// Fewer columns say nothing of what is waited for.
    private static let shortestWait = 20

    /// What a part is of, the most important one first.
    private enum Subject: Int {
        case done, waiting, share, failed, rate, timeLeft, throttled, limit, parked, latency, outcomes
    }

    /// In the order in which they are shown.
    private var parts: [(subject: Subject, text: String)] {
        guard !reading.runID.isEmpty else { return waitingPart }
        var parts: [(subject: Subject, text: String)] = []
        // 100 % is all of it.
        if let share { parts.append((.share, "\(Int(share * 100)) %")) }
        parts.append((.done, "\(reading.records) done"))
        if reading.absent > 0 { parts.append((.outcomes, "\(found) found, \(reading.absent) absent")) }
        if let rate { parts.append((.rate, "\(Int(rate.rounded()))/s")) }
        let statistics = reading.statistics
        if let limit = statistics.foundRate { parts.append((.limit, "limit found \(Self.describe(rate: limit))/s")) }
        if statistics.throttled > 0 { parts.append((.throttled, "\(statistics.throttled) throttled")) }
        if reading.failed > 0 { parts.append((.failed, "\(reading.failed) failed")) }
        if reading.parked > 0 { parts.append((.parked, "\(reading.parked) parked")) }
        if let latency = statistics.latency {
            parts.append((.latency, "latency \(Int((latency * 1000).rounded())) ms"))
        }
        if let share, share < 1, let secondsLeft {
            parts.append((.timeLeft, "\(Self.describe(seconds: secondsLeft)) left"))
        }
        return parts + waitingPart
    }

    private var waitingPart: [(subject: Subject, text: String)] {
        reading.waiting.map { [(.waiting, "waiting: \($0)")] } ?? []
    }

    private static func painted(_ text: String, _ subject: Subject, _ style: TextStyle) -> String {
        switch subject {
        case .waiting: style.doubtful(text)
        case .failed: style.bad(text)
        default: text
        }
    }

    private static func cut(_ text: String, to width: Int) -> String {
        var rest = width - 1
        var result = ""
        for character in text {
            rest -= DisplayWidth.of(character)
            if rest < 0 { break }
            result.append(character)
        }
        return width > 0 ? result + "…" : ""
    }

    private static func describe(rate: Double) -> String {
        rate < 10 ? "\((rate * 10).rounded() / 10)" : "\(Int(rate.rounded()))"
    }

    private static func describe(seconds: Double) -> String {
        // A rate near zero makes it longer than anybody waits, and than an integer holds.
        let seconds = Int(min(seconds, 1e9).rounded())
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min" }
        return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }
}
