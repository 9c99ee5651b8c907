internal import PipelineCore

/// One column of a ledger's table, and how a value goes into it and comes back. All values pass as texts.
struct LedgerColumn<Value> {
    let column: Column
    let write: (Value) -> String?
    /// Throws where the text can't be what this program wrote.
    let read: (inout Value, String?) throws -> Void

    init(
        _ name: String, _ type: ColumnType, write: @escaping (Value) -> String?,
        read: @escaping (inout Value, String?) throws -> Void
    ) {
        column = Column(name, type)
        self.write = write
        self.read = read
    }

    static func text(_ name: String, _ path: WritableKeyPath<Value, String>, _ type: ColumnType = .text) -> Self {
        Self(name, type, write: { $0[keyPath: path] }, read: { $0[keyPath: path] = $1 ?? "" })
    }

    static func optional(_ name: String, _ path: WritableKeyPath<Value, String?>, _ type: ColumnType) -> Self {
        Self(name, type, write: { $0[keyPath: path] }, read: { $0[keyPath: path] = $1 })
    }

    static func integer(_ name: String, _ path: WritableKeyPath<Value, Int>) -> Self {
        Self(name, .integer, write: { String($0[keyPath: path]) }, read: { $0[keyPath: path] = try number($1) })
    }

    /// 0 or 1.
    static func flag(_ name: String, _ path: WritableKeyPath<Value, Bool>) -> Self {
        Self(
            name, .integer, write: { $0[keyPath: path] ? "1" : "0" }, read: { $0[keyPath: path] = try number($1) != 0 })
    }

    static func number(_ text: String?) throws -> Int {
        guard let number = text.flatMap({ Int($0) }) else {
            throw UnreadableLedger(what: "'\(PrintableText.of(text ?? "NULL"))' isn't a whole number")
        }
        return number
    }
}

/// What has rows in a ledger's table, one for each pipeline and shard or more.
protocol LedgerValue {
    static var ledgerTable: TableDefinition { get }
    /// Those behind `pipeline` and `shard`, in the table's order.
    static var ledgerColumns: [LedgerColumn<Self>] { get }
    /// A value before its columns are read.
    static var blank: Self { get }
    /// What messages call it, once its `run_id` is read.
    var ledgerName: String { get }
}

/// What of a pipeline's state a store holds in a form that this program doesn't write.
struct UnreadableLedger: Error {
    var what: String

    func pipelineError(_ database: any SQLDatabase, pipeline: String, hint: String) -> PipelineError {
        PipelineError(
            .configuration, "\(database.place): the state of pipeline '\(pipeline)' can't be read: \(what)",
            hint: "It was written by another version or changed by hand.\(hint)")
    }
}

extension LedgerValue {
    /// Reads rows of one pipeline.
    ///
    /// - Parameters:
    ///   - condition: what is asked of the rows beyond their pipeline, which is argument 1.
    ///   - arguments: from 2 on.
    ///   - isRead: tells the columns to read by name; of the others the value keeps what `blank` has.
    ///   - hint: what may be done where a row can't be read; follows another sentence.
    static func rows(
        in database: any SQLDatabase, pipeline: String, _ condition: String = "", _ arguments: [String?] = [],
        hint: String = "", isRead: (String) -> Bool = { _ in true }
    ) throws -> [(shard: Int, value: Self)] {
        let columns = ledgerColumns.filter { isRead($0.column.name) }
        let texts = (["shard"] + columns.map { database.text(of: $0.column) }).joined(separator: ", ")
        let rows = try database.rows(
            "SELECT \(texts) FROM \(database.name(ledgerTable.name)) WHERE pipeline = \(database.parameter(1))\(condition)",
            [pipeline] + arguments)
        do {
            return try rows.map { row in
                guard let shard = row[0].flatMap({ Int($0) }) else {
                    throw UnreadableLedger(what: "a row of \(ledgerTable.name) has no shard")
                }
                return (shard, try value(columns, row.dropFirst()))
            }
        } catch let fault as UnreadableLedger {
            throw fault.pipelineError(database, pipeline: pipeline, hint: hint)
        }
    }

    private static func value(_ columns: [LedgerColumn<Self>], _ texts: ArraySlice<String?>) throws -> Self {
        var value = blank
        for (column, text) in zip(columns, texts) {
            do { try column.read(&value, text) } catch {
                let reason = (error as? UnreadableLedger)?.what ?? "\(error)"
                throw UnreadableLedger(what: "column '\(column.column.name)' of \(value.ledgerName): \(reason)")
            }
        }
        return value
    }

    /// Writes the value's row, in the place of one with its key. Columns that somebody else added stay as they are.
    func write(to database: any SQLDatabase, pipeline: String, shard: Int) throws {
        let table = Self.ledgerTable
        let names = table.columns.map(\.name)
        let updates = names.filter { !table.key.contains($0) }.map { "\(quoted($0)) = excluded.\(quoted($0))" }
        try database.rows(
            "INSERT INTO \(database.name(table.name)) (\(quoted(names))) VALUES (\(database.parameters(names.count))) "
                + "ON CONFLICT (\(quoted(table.key))) DO UPDATE SET \(updates.joined(separator: ", "))",
            [pipeline, String(shard)] + Self.ledgerColumns.map { $0.write(self) })
    }
}
