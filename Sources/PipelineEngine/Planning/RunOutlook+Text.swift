internal import PipelineCore

extension RunOutlook {
    /// For a person, 80 columns wide; what is made is named.
    public var text: String {
        var lines = LabelledText()
        lines.headline("\(pipeline): \(summary)")
        if let input { lines.add("input", text(of: input)) }
        for time in times { lines.add("time", time) }
        if case .refusal = action {} else { lines.add("brakes", brakes) }
        for caveat in caveats { lines.add("note", caveat) }
        for sink in sinks { add(sink, to: &lines) }
        return lines.text
    }

    private var summary: String {
        switch action {
        case .begin(let runID, let abandoning):
            let given = abandoning.isEmpty ? "" : ", and give up \(abandoning.joined(separator: ", "))"
            return "run \(runID) would begin\(given)"
        case .resume(let runID, let consumed, let ordinal, let parked):
            let asked = parked == 0 ? "" : "; \(parked) parked would be asked again at the end"
            return "run \(runID) would go on at ordinal \(ordinal), behind \(CountText.of(consumed, "record"))\(asked)"
        case .publish(let runID): return "run \(runID) has everything, and would be published"
        case .nothing(let runID): return "nothing to do: run \(runID) is complete (--fresh does it again)"
        case .refusal: return "a run would end at once"
        }
    }

    private func text(of input: Input) -> String {
        switch input {
        case .list(nil): "IDs, not counted: that would take long, or can be done only once"
        case .list(let count?): (count.isExact ? "" : "about ") + CountText.of(count.records, "ID")
        case .archive(let files, let leftOut, let bytes):
            "\(CountText.of(files, "file")), \(CountText.of(bytes: bytes))"
                + (leftOut == 0 ? "" : "; \(CountText.of(leftOut)) left out")
        }
    }

    private var times: [String] {
        guard let allowedRate else { return [] }
        func time(_ rate: Double, _ word: String) -> String {
            let rateText = "\(CountText.of(Int(rate.rounded()))) calls a second, \(word)"
            guard let remaining else { return rateText }
            return "\(CountText.of(seconds: Double(remaining) / rate)) at \(rateText)"
        }
        return [time(allowedRate, "as allowed")]
            + (learnedRate.map { [time($0, "the limit that an earlier run found")] } ?? [])
    }

    /// `stops beyond 123 failed (1 %) …`
    private var brakes: String {
        func number(_ limit: ShareOrCount) -> String {
            switch limit {
            case .count(let count): return CountText.of(count)
            case .share(let share):
                let percent = "\((share * 10_000).rounded() / 100) %".replacing(".0 %", with: " %")
                guard case .list(let count?) = input else { return percent }
                return "\(CountText.of(Int(share * Double(count.records)))) (\(percent))"
            }
        }
        return "stops beyond \(number(limits.maxFailed)) failed or \(number(limits.maxAbsent)) absent users, beyond "
            + "\(share(limits.maxRemoved)) of endpoints removed, or with fewer than "
            + CountText.of(limits.minRecords, "record")
    }

    private func share(_ limit: ShareOrCount) -> String {
        switch limit {
        case .count(let count): CountText.of(count)
        case .share(let share): "\((share * 10_000).rounded() / 100) %".replacing(".0 %", with: " %")
        }
    }

    private func add(_ sink: SinkOutlook, to lines: inout LabelledText) {
        lines.headline("sink '\(sink.name)': \(sink.typeName), \(sink.mode.rawValue), \(sink.target)")
        lines.add("promise", sink.guarantee)
        guard let inspection = sink.inspection else { return }
        if !inspection.existingTables.isEmpty {
            lines.add("there", inspection.existingTables.joined(separator: ", "))
        }
        let steps = InspectionSteps(inspection.steps)
        if let made = steps.made { lines.add("makes", made) }
        for (index, step) in steps.others.enumerated() { lines.add(index == 0 ? "changes" : "", step) }
    }

    /// Every statement by sinks, as it would be carried out; empty where there is none.
    public var statements: String {
        sinks.compactMap { sink in
            // What isn't SQL begins in lower case.
            guard let steps = sink.inspection?.steps.filter({ $0.first?.isUppercase == true }), !steps.isEmpty else {
                return nil
            }
            return "-- sink '\(sink.name)'\n" + steps.map { "\($0);\n" }.joined()
        }.joined(separator: "\n")
    }
}

/// What a run makes in a sink's place before it writes rows, in short.
private struct InspectionSteps {
    /// `the tables users, endpoints; 1 index; 1 view`
    let made: String?
    /// What changes something that is there.
    let others: [String]

    init(_ steps: [String]) {
        var tables: [String] = []
        var counts: [(noun: String, count: Int)] = [("schema", 0), ("index", 0), ("view", 0)]
        var others: [String] = []
        for step in steps {
            let words = step.split(separator: " ", maxSplits: 3).map(String.init)
            switch words.first {
            case "CREATE" where words.count > 2 && words[1] == "TABLE":
                let name = words[2].split(separator: ".").last.map(String.init) ?? words[2]
                tables.append(name.filter { $0 != "\"" })
            case "CREATE":
                let noun = words.contains("VIEW") ? "view" : words.contains("SCHEMA") ? "schema" : "index"
                for index in counts.indices where counts[index].noun == noun { counts[index].count += 1 }
            // Its own notes, of which nobody but itself knows.
            case "INSERT", "DELETE", "UPDATE": continue
            default: others.append(step)
            }
        }
        var parts = tables.isEmpty ? [] : ["the tables " + tables.joined(separator: ", ")]
        for (noun, count) in counts where count > 0 {
            parts.append("\(count) \(count == 1 ? noun : noun == "index" ? "indexes" : noun + "s")")
        }
        made = parts.isEmpty ? nil : parts.joined(separator: "; ")
        self.others = others
    }
}
