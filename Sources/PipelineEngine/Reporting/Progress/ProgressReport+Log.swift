package import Logging
internal import PipelineCore

extension ProgressReport {
    /// The fields of the log's event `progress`, which keep their names. What isn't known is left out.
    package var fields: Logger.Metadata {
        let statistics = reading.statistics
        var fields: Logger.Metadata = [
            "event": "progress", "records": .stringConvertible(reading.records),
            "found": .stringConvertible(found), "absent": .stringConvertible(reading.absent),
            "failed": .stringConvertible(reading.failed), "parked": .stringConvertible(reading.parked),
            "requests": .stringConvertible(statistics.requests), "retries": .stringConvertible(statistics.retries),
            "throttled": .stringConvertible(statistics.throttled),
        ]
        if !reading.runID.isEmpty { fields["run_id"] = "\(reading.runID)" }
        let figures: [(name: String, value: Double?, scale: Double)] = [
            ("share", share, 10_000), ("records_per_second", rate, 10), ("limit_per_second", statistics.foundRate, 10),
            ("latency_ms", statistics.latency.map { $0 * 1000 }, 10),
        ]
        for (name, value, scale) in figures {
            if let value { fields[name] = .stringConvertible((value * scale).rounded() / scale) }
        }
        if let secondsLeft {
            fields["seconds_left"] = .stringConvertible(Int(min(secondsLeft, 1e9).rounded()))
        }
        if let waiting = reading.waiting { fields["waiting_for"] = "\(waiting)" }
        return fields
    }
}
