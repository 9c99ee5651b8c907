internal import PipelineCore
internal import StoreFormat

/// What becomes of an SQL store from each format to the next. A step is never changed once a version with it is out: it names
/// tables and columns itself, and not by their definitions, which go on changing.
enum LedgerMigrations {
    static var all: Migrations<LedgerFormat> {
        Migrations([Migrations.Step(to: StoreFormat(2)) { try second($0.database) }])
    }

    /// `consumed`, the listing and the timeline of a run, and when an endpoint last changed.
    private static func second(_ database: any SQLDatabase) throws {
        try run(
            "CREATE TABLE \(database.name("sluice_format")) "
                + "(\(declaration("part", .text, database)) NOT NULL, \(declaration("format", .integer, database)), "
                + "PRIMARY KEY (part))", in: database)
        try add([Column("listing_hash", .text), Column("timeline", .json)], to: "sluice_runs", in: database)
        try add([Column("consumed", .integer)], to: "sluice_checkpoints", in: database)
        if try !database.columns(of: "sluice_checkpoints").isEmpty {
            // Until then an ordinal was the number of records before it, also in archives.
            try run("UPDATE \(database.name("sluice_checkpoints")) SET consumed = next_ordinal", in: database)
        }
        guard try !database.columns(of: "sluice_tables").isEmpty else { return }
        let merged = try database.rows(
            "SELECT 1 FROM \(database.name("sluice_tables")) WHERE table_name = 'endpoints' AND mode = 'merge'", [])
        if !merged.isEmpty { try add([Column("changed_at", .time)], to: "endpoints", in: database) }
    }

    /// Adds columns to a table, where it is there and lacks them.
    private static func add(_ columns: [Column], to table: String, in database: any SQLDatabase) throws {
        let there = try database.columns(of: table)
        guard !there.isEmpty else { return }
        for column in columns where !there.contains(column.name) {
            try run(
                "ALTER TABLE \(database.name(table)) ADD COLUMN \(declaration(column.name, column.type, database))",
                in: database)
        }
    }

    private static func declaration(_ name: String, _ type: ColumnType, _ database: any SQLDatabase) -> String {
        database.declaration(of: Column(name, type), isKey: name == "part")
    }

    private static func run(_ statement: String, in database: any SQLDatabase) throws {
        try Failpoint.reach("sqlstore.migrate.statement")
        try database.rows(statement, [])
    }
}
