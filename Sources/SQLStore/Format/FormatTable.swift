public import PipelineCore
internal import StoreFormat

/// The table `sluice_format`: in which form each part of the store is kept.
public enum FormatTable {
    public static let definition = TableDefinition(
        name: "sluice_format", role: .ledger, columns: [Column("part", .text), Column("format", .integer)],
        key: ["part"])

    /// A part that has a number of its own.
    enum Part: String, CaseIterable {
        /// The ledger, and what the store adds to the layout's tables.
        case ledger
        /// The statement of the view `user_attributes`.
        case view = "user_attributes"
    }

    /// The statement that notes a part's number.
    static func noting(_ part: Part, _ number: Int, in database: any SQLDatabase) -> String {
        "INSERT INTO \(database.name(definition.name)) (part, format) VALUES (\(literal(part.rawValue)), \(number)) "
            + "ON CONFLICT (part) DO UPDATE SET format = excluded.format"
    }

    /// A part's number as the store has it; nil where it has none.
    ///
    /// - Throws: `PipelineError` of kind `.configuration` where the number is none.
    static func number(of part: Part, in database: any SQLDatabase) throws -> Int? {
        guard try !database.columns(of: definition.name).isEmpty else { return nil }
        let rows = try database.rows(
            "SELECT format FROM \(database.name(definition.name)) WHERE part = \(database.parameter(1))",
            [part.rawValue])
        guard let row = rows.first else { return nil }
        guard let number = row[0].flatMap({ Int($0) }) else {
            throw StoreFormat.unreadable(
                database.place, "\(definition.name) says '\(PrintableText.of(row[0] ?? "NULL"))' for its format")
        }
        return number
    }
}
