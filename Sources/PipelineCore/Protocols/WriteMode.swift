/// How a sink's content relates to earlier runs.
///
/// What a mode means for one part of the program is a trait here; nothing else compares modes.
public enum WriteMode: String, Sendable, Hashable, CaseIterable {
    /// The newest state; each fetched user's rows are replaced as a whole.
    case merge
    /// Each run's rows stand beside the earlier ones.
    case append
    /// Exactly this run.
    case replace
}

extension WriteMode {
    /// Each run's rows are its own: `run_id` is part of every key, no run changes another one's rows, and one that is done
    /// again begins by deleting its own. The shards of a run have to agree on its ID, and so on its date.
    public var keepsRunsApart: Bool { self == .append }

    /// A run's rows take the place of earlier runs' rows with the same key, whichever pipeline wrote them, and rows that a
    /// fetched user no longer has go: they are what `removed` and `previousEndpoints` count while batches are written. What an
    /// earlier execution of the same run wrote stays until this one replaces it.
    public var mergesWithEarlierRuns: Bool { self == .merge }

    /// The content is exactly one run, so one pipeline has the place for itself, and what it finds there isn't its own to
    /// replace unless it wrote that.
    public var holdsOneRun: Bool { self == .replace }

    /// A run's rows stand aside until its end, and take the place of the content in one step; with too many failures they
    /// wait as `unpublished`. `removed` is counted then, over all that readers saw before.
    public var publishesAtEnd: Bool { self == .replace }

    /// Each shard can commit for itself: no single one has to publish for all.
    public var mayBeSharded: Bool { !publishesAtEnd }

    /// Stores whose rows have no keys, such as files, can't do it.
    public var needsKeys: Bool { self == .merge }
}
