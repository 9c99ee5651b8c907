import Flattening
import Logging
import PipelineCore
import PipelineEngine

/// A pipeline over sinks in memory, run as one process after the other would.
struct TestPipeline: Sendable {
    /// A sink's mode and store.
    var sinks: [(mode: WriteMode, store: MemoryStore)]
    var ids: [String]
    var lookup: ScriptedLookup
    var batchSize = 10
    var concurrency = 8
    var limits = RunLimits()
    /// Sinks, by their place, whose store has no keys, as files have none.
    var unkeyed: Set<Int> = []
    var onChangedInput = ChangedInputPolicy.refuse
    /// By sink; sinks beyond the last have none.
    var transforms: [[any Transform]] = []
    var fingerprint = "f"
    /// In place of one over `ids`.
    var reader: ListReader?
    /// In place of the users that are looked up.
    var archive: ListArchive?
    /// How far the clock has moved on.
    var millisecondsLater: Int64 = 0

    init(_ modes: [WriteMode], ids: [String], answer: @escaping ScriptedLookup.Answer) {
        sinks = modes.map { ($0, MemoryStore()) }
        self.ids = ids
        lookup = ScriptedLookup(answer)
        limits.maxFailed = .share(1)
        limits.maxAbsent = .share(1)
    }

    var stores: [MemoryStore] { sinks.map(\.store) }

    func store(_ mode: WriteMode) -> MemoryStore? { sinks.first { $0.mode == mode }?.store }

    /// The same stores and limits with another input.
    func next(_ ids: [String], answer: @escaping ScriptedLookup.Answer) -> TestPipeline {
        var next = self
        next.ids = ids
        next.lookup = ScriptedLookup(answer)
        return next
    }

    /// One call: all its reports.
    func reports(_ request: RunRequest = RunRequest(), stop: StopSignal = StopSignal()) async -> [RunReport] {
        await runner(stop).run(request)
    }

    /// One call of `retry`.
    func retry(_ accepted: Set<AcceptedBrake> = [], stop: StopSignal = StopSignal()) async -> RunReport {
        await runner(stop).retry(accepted: accepted)
    }

    private func runner(_ stop: StopSignal) -> PipelineRunner {
        let day = Timestamp("2026-11-23") ?? Timestamp(milliseconds: 0)
        let date = Timestamp(milliseconds: day.milliseconds + millisecondsLater)
        var log = Logger(label: "test")
        log.logLevel = .critical
        let plan = RunPlan(
            pipeline: "p", source: source,
            sinks: sinks.enumerated().map { index, sink in
                PlannedSink(
                    sink: MemorySink(
                        store: sink.store, name: "sink\(index)", mode: sink.mode, isKeyed: !unkeyed.contains(index)),
                    transforms: transforms.indices.contains(index) ? transforms[index] : [],
                    layout: .normalized(mode: sink.mode), rowSetIndex: contents[index],
                    fingerprint: fingerprint)
            }, batchSize: batchSize, limits: limits, onChangedInput: onChangedInput, version: "1.0.0")
        return PipelineRunner(
            plan: plan, log: log, stop: stop, board: ProgressBoard(), parking: ParkingPolicy(),
            now: { date })
    }

    private var source: SourcePlan {
        if let archive { return .archive(reader: archive, decoder: EndpointDecoder(), conflict: .last) }
        return .lookup(reader: reader ?? ListReader(ids), lookup: lookup, concurrency: concurrency)
    }

    /// One call's last report.
    @discardableResult
    func run(_ request: RunRequest = RunRequest(), stop: StopSignal = StopSignal()) async -> RunReport {
        await reports(request, stop: stop).last ?? RunReport(summary: nil)
    }

    /// By sink: equal layouts have equal contents, numbered from 0.
    private var contents: [Int] {
        var seen: [Bool] = []
        if !transforms.isEmpty { return Array(sinks.indices) }
        return sinks.map { sink in
            let isKeyedByRun = sink.mode == .append
            if let index = seen.firstIndex(of: isKeyedByRun) { return index }
            seen.append(isKeyedByRun)
            return seen.count - 1
        }
    }
}

extension TestPipeline {
    static func ids(_ numbers: Range<Int>) -> [String] { numbers.map { "user-\($0)" } }

    static func number(_ userID: String) -> Int { Int(userID.drop { !$0.isNumber }) ?? 0 }

    /// An answer with these endpoints, each with an attribute.
    static func found(_ ids: [String]) throws -> Outcome {
        let endpoints = ids.map { #"{"Id":"\#($0)","ChannelType":"EMAIL","Attributes":{"a":["\#($0)"]}}"# }
        let json = "[" + endpoints.joined(separator: ",") + "]"
        return .found(EndpointTape(try JSONTape(decoding: Array(json.utf8)), form: .list(node: 0)))
    }

    static let failure = Outcome.failed(RecordFailure(status: 400, code: "BadRequestException", message: "no"))

    /// One endpoint for each user.
    static let everybody: ScriptedLookup.Answer = { userID, _, _ in try found(["e-\(number(userID))"]) }

    /// As everybody, but these users fail.
    static func everybody(but failing: Set<Int>) -> ScriptedLookup.Answer {
        { userID, _, _ in failing.contains(number(userID)) ? failure : try found(["e-\(number(userID))"]) }
    }
}

extension MemoryStore {
    /// The texts in a column of a table that readers see, sorted.
    func texts(_ column: String, of table: String, mode: WriteMode) -> [String] {
        let definition = Layout.normalized(mode: mode).tables.first { $0.name == table }
        guard let place = definition?.index(of: column) else { return [] }
        return rows(table).values.map { row in
            if case .text(let text) = row[place] { return text }
            return ""
        }.sorted()
    }
}
