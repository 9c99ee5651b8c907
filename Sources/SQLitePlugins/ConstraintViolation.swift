internal import PipelineCore
internal import SQLStore

/// A row that a constraint or a trigger of the database doesn't admit.
struct ConstraintViolation: Error {
    /// An extended result code, all of whose low byte is `SQLITE_CONSTRAINT`.
    var code: Int32
    /// SQLite's words, or those of the trigger; never a value from a row.
    var message: String

    /// The code as SQLite spells it: what a person would look for.
    var name: String {
        let places = Int(code >> 8)
        guard places > 0, places < Self.names.count else { return "SQLITE_CONSTRAINT" }
        return "SQLITE_CONSTRAINT_\(Self.names[places])"
    }

    /// By the second byte of the code, from 1 on.
    private static let names = [
        "", "CHECK", "COMMITHOOK", "FOREIGNKEY", "FUNCTION", "NOTNULL", "PRIMARYKEY", "TRIGGER", "UNIQUE", "VTAB",
        "ROWID", "PINNED", "DATATYPE",
    ]

    /// `[SQLITE_CONSTRAINT_CHECK] CHECK constraint failed: …`
    var text: String { "[\(name)] \(PrintableText.of(message))" }

    func pipelineError(path: String) -> PipelineError {
        PipelineError(
            .ioError,
            "\(path): a constraint or trigger there doesn't admit what is to be written: \(message) (\(name))",
            hint: "Drop the constraint or trigger, or change it to admit these rows, and run again.")
    }
}

extension RecordRefusals {
    /// Within a transaction that is the caller's.
    init(_ writer: MergeWriter, _ connection: SQLiteConnection, _ run: RunRecord) {
        struct Done: Error {}
        self.init(
            write: { batch in try connection.savepoint { try writer.write(batch, run: run) } },
            undoing: { body in
                do {
                    try connection.savepoint {
                        try body()
                        throw Done()
                    }
                } catch is Done {}
            },
            reason: { ($0 as? ConstraintViolation)?.text })
    }
}
