internal import PipelineCore

/// What a retry has done, in this process.
public struct RetryCounts: Sendable, Hashable {
    /// Records that were fetched again and have an outcome now.
    public var found = 0
    public var absent = 0
    /// Records that failed once more.
    public var failed = 0
    /// Failures that no call can mend: the input holds no usable ID there, or it is an archive's.
    public var left = 0
}

extension RetryCounts {
    /// Records that were fetched again, whatever came of it.
    var fetched: Int { found + absent + failed }

    /// Records that were fetched again, as a source yields them.
    init(_ events: [SourceEvent]) {
        for case .record(let record) in events {
            switch record.outcome {
            case .found: found += 1
            case .absent: absent += 1
            case .failed: failed += 1
            }
        }
    }

    static func += (counts: inout RetryCounts, new: RetryCounts) {
        counts.found += new.found
        counts.absent += new.absent
        counts.failed += new.failed
        counts.left += new.left
    }
}
