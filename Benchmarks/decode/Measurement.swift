internal import Flattening
internal import Glibc
internal import PipelineCore

/// Bytes → tape, and bytes → tape → row buffers, over the same lines, on one thread.
enum Measurement {
    static func run(_ lines: [[UInt8]], rounds: Int) {
        let megabytes = Double(lines.reduce(0) { $0 + $1.count }) / 1e6
        var nodes = 0
        let decoding = best(rounds) {
            nodes = 0
            for line in lines {
                guard let tape = try? JSONTape(decoding: line) else { continue }
                nodes += tape.nodeCount
            }
        }
        // As in a run, the answers are those of the users who were asked for.
        let records = lines.compactMap { line -> SourceRecord? in
            guard let tape = try? JSONTape(decoding: line) else { return nil }
            let endpoint = tape.root["Item"]?.elements.first
            return SourceRecord(
                ordinal: 0, userID: endpoint?["User"]?["UserId"]?.text ?? "",
                applicationID: endpoint?["ApplicationId"]?.text ?? "", next: .start,
                origin: RecordOrigin(file: nil, line: 0), hashedBytes: [], outcome: .absent)
        }
        var rows = 0
        let flattening = best(rounds) {
            rows = 0
            var builder = BatchBuilder(layout: .normalized(), run: EndpointRows.run)
            for (ordinal, line) in lines.enumerated() {
                guard let tape = try? JSONTape(decoding: line) else { continue }
                var record = records[ordinal]
                record.ordinal = ordinal
                record.outcome = EndpointRows.record(tape, ordinal: ordinal).outcome
                builder.append(record)
                if ordinal % 500 == 499 { rows += builder.finish().tables.reduce(0) { $0 + $1.rowCount } }
            }
            rows += builder.finish().tables.reduce(0) { $0 + $1.rowCount }
        }
        print("sluice-tape \(rounded(megabytes / decoding))")
        print("sluice-rows \(rounded(megabytes / flattening))")
        print("# \(lines.count) lines, \(rounded(megabytes)) MB, \(nodes) nodes, \(rows) rows")
    }

    private static func rounded(_ number: Double) -> Double { (number * 10).rounded() / 10 }

    /// Processor time of the fastest round in seconds: other processes' load is not to count.
    private static func best(_ rounds: Int, _ body: () -> Void) -> Double {
        (0..<rounds).map { _ in
            let start = clock()
            body()
            return Double(clock() - start) / Double(CLOCKS_PER_SEC)
        }.min() ?? .nan
    }
}
