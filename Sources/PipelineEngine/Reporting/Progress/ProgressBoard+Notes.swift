internal import PipelineCore

extension ProgressBoard {
    /// A run begins, or goes on.
    ///
    /// - Parameter checkpoint: Nil where what the run has committed isn't counted.
    func begin(_ runID: String, at checkpoint: Checkpoint? = nil) {
        update { reading in
            reading = Reading()
            reading.runID = runID
            guard let checkpoint else { return }
            reading.records = checkpoint.counts.records
            reading.failed = checkpoint.counts.failed
            reading.absent = checkpoint.counts.absent
            reading.parked = checkpoint.progress.parked.count
        }
    }

    /// A run's source has yielded something.
    ///
    /// - Parameters:
    ///   - limit: The records after which the run ends; nil for the end of the input.
    ///   - fraction: The part of the input before a position, from 0 to 1; nil where that isn't known.
    func note(_ events: [SourceEvent], limit: Int?, fraction: (Position) -> Double?) {
        update { reading in
            var last: Position?
            for event in events {
                switch event {
                case .record(let record):
                    reading.records += 1
                    reading.processed += 1
                    switch record.outcome {
                    case .found: break
                    case .absent: reading.absent += 1
                    case .failed(let failure):
                        reading.failed += 1
                        reading.failureCodes[failure.code, default: 0] += 1
                    }
                    last = record.next
                case .parked(_, let next, _):
                    reading.parked += 1
                    last = next
                case .skipped(_, let next, _): last = next
                case .file, .inputEnded: break
                }
            }
            if let last, let fraction = fraction(last) { reading.fraction = fraction }
            if let limit, limit > 0 {
                reading.fraction = min(1, max(reading.fraction ?? 0, Double(reading.records) / Double(limit)))
            }
        }
    }

    /// A run that hasn't ended has fetched failures again.
    func noteRetried(_ new: RetryCounts) {
        update { reading in
            reading.processed += new.fetched
            reading.failed -= new.found + new.absent
            reading.absent += new.absent
        }
    }

    /// A retry has fetched failures.
    ///
    /// - Parameter failuresAtStart: In the sink that had most of them.
    func noteRetried(_ new: RetryCounts, of all: RetryCounts, failuresAtStart: Int) {
        update { reading in
            reading.processed += new.fetched
            reading.records = all.fetched
            reading.failed = all.failed
            reading.absent = all.absent
            if failuresAtStart > 0 {
                reading.fraction = min(1, Double(reading.records + all.left) / Double(failuresAtStart))
            }
        }
    }
}
