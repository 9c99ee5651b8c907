internal import PipelineCore

extension SQLiteConnection {
    /// Pages of write-ahead log after which a commit folds them into the database (16 MiB).
    private static let checkpointPages = 4000

    /// Prepares the database for batches: a write-ahead log, every commit on the disk before it returns.
    ///
    /// A table that is renamed takes nothing with it: views and triggers that name the old one aren't rewritten.
    func configure() throws {
        let journal = try query("PRAGMA journal_mode = WAL").first?.first ?? nil
        guard journal == "wal" else {
            throw PipelineError(
                .cantCreate, "\(path) can't have a write-ahead log (its journal mode stays '\(journal ?? "unknown")')",
                hint: "Put the database on a local file system.")
        }
        try execute(
            """
            PRAGMA synchronous = FULL;
            PRAGMA wal_autocheckpoint = \(Self.checkpointPages);
            PRAGMA journal_size_limit = \(Self.checkpointPages * 4096);
            PRAGMA cache_size = -16384;
            PRAGMA temp_store = MEMORY;
            PRAGMA foreign_keys = OFF;
            PRAGMA recursive_triggers = OFF;
            PRAGMA legacy_alter_table = ON;
            """)
    }

    /// Folds the write-ahead log into the database and gives up both files beside it.
    ///
    /// - Throws: `PipelineError`: `.temporary` where another connection is open.
    func becomeOneFile() throws {
        // Readers that are about to finish are waited for; one that stays keeps both files.
        setBusyTimeout(.milliseconds(500))
        try Failpoint.reach("sqlite.close.before-checkpoint")
        _ = try query("PRAGMA wal_checkpoint(TRUNCATE)")
        try Failpoint.reach("sqlite.close.after-checkpoint")
        // Nobody else has the database open once this succeeds.
        _ = try query("PRAGMA journal_mode = DELETE")
        try Failpoint.reach("sqlite.close.after-journal-mode")
    }
}
