public import PipelineCore

/// Compares rows in folders, without the pipeline that wrote them: two published runs, or a run and what an engine made of the
/// same records. One folder alone is compared with its own account.
///
/// Rows are told apart by their keys, as the files of a run are; what names the run, `run_id` and `logical_date`, is left out.
public struct FolderVerification: Sendable {
    let folders: [Folder]
    /// Further columns that are left out.
    let ignored: Set<String>
    /// Which of several rows of one endpoint counts, where only one of the folders has it once.
    let conflict: ConflictPolicy
    /// No more differing keys of a table are named.
    let limit: Int
    /// Rows of a table that are held of each folder.
    let capacity: Int

    /// A folder that is looked at.
    public struct Folder: Sendable {
        /// As it was named.
        public var name: String
        /// Where its rows are read.
        public var path: String
        /// Nil where it isn't a run's.
        public var run: (id: String, logicalDate: String)?
        public var tables: [TableDefinition]
        public var reader: any SinkReader

        public init(
            name: String, path: String, run: (id: String, logicalDate: String)?, tables: [TableDefinition],
            reader: any SinkReader
        ) {
            self.name = name
            self.path = path
            self.run = run
            self.tables = tables
            self.reader = reader
        }
    }

    /// - Parameter folders: one or two; their readers are closed once they are compared.
    public init(
        _ folders: [Folder], ignoring ignored: Set<String>, conflict: ConflictPolicy, limit: Int = 10,
        capacity: Int = 100_000
    ) {
        precondition((1...2).contains(folders.count), "one folder, or two")
        self.folders = folders
        self.ignored = ignored.union(["run_id", "logical_date"])
        self.conflict = conflict
        self.limit = limit
        self.capacity = capacity
    }

    public func perform() async -> VerificationReport {
        var report = VerificationReport()
        report.sinks = folders.map { folder in
            var place = VerifiedSink(name: folder.name, type: "folder", target: folder.path)
            if folders.count == 1 { place.exclusion = "there is no other folder to compare it with" }
            return place
        }
        let runs = folders.compactMap(\.run)
        if let run = runs.first, runs.allSatisfy({ $0 == run }) {
            report.runID = run.id
            report.logicalDate = run.logicalDate
        }
        do { try await verify(&report) } catch { report.error = PipelineError(describing: error) }
        for folder in folders { await folder.reader.close() }
        return report
    }

    private func verify(_ report: inout VerificationReport) async throws {
        var accounts: [StoreAccount] = []
        for (index, folder) in folders.enumerated() {
            let account = try await folder.reader.account(ofRun: "")
            report.sinks[index].faults += account.faults
            // Where the rows themselves are compared, it is they that count.
            if folders.count == 1 {
                report.sinks[index].faults += account.alterations
            } else {
                report.notes += account.alterations.map { "\(folder.name): \($0)" }
            }
            accounts.append(account)
        }
        var names: [String] = []
        for table in folders.flatMap(\.tables) where !names.contains(table.name) { names.append(table.name) }
        for name in names { try await verify(table: name, accounts, &report) }
    }

    private func verify(table name: String, _ accounts: [StoreAccount], _ report: inout VerificationReport) async throws
    {
        let tables = folders.map { folder in folder.tables.first { $0.name == name } }
        let columns = compared(tables.compactMap(\.self), &report)
        var verified = VerifiedTable(name: name, contents: [])
        var sides: [TableComparison.Side] = []
        for (index, table) in tables.enumerated() {
            guard let table else {
                report.sinks[index].faults.append("it has no table '\(name)'")
                continue
            }
            let folder = folders[index]
            let side = try await TableComparison.Side(
                reader: folder.reader, isKeyed: false, table: table, tables: folder.tables, comparing: columns
            ).digested("")
            verified.contents.append((folder.name, side.digest.rows, side.digest.text))
            if let expected = accounts[index].rows[name], expected != side.digest.rows {
                report.sinks[index].faults.append(
                    "table '\(name)' has \(side.digest.rows) rows, not \(expected) as its manifest says")
            }
            sides.append(side)
        }
        if sides.count == 2 {
            let finding = try await TableComparison(
                left: sides[0], right: sides[1], runID: "", conflict: conflict, limit: limit, capacity: capacity
            ).find()
            verified.comparisons = [
                VerifiedTable.Comparison(folders[0].name, folders[1].name, finding, sides[0].form)
            ]
        }
        report.tables.append(verified)
    }

    /// The columns that all of these have. One that is missing in one of them is worth a note.
    private func compared(_ tables: [TableDefinition], _ report: inout VerificationReport) -> [String] {
        var common: [String] = []
        var names: [String] = []
        for name in tables.flatMap(\.contentColumns) where !ignored.contains(name) && !names.contains(name) {
            names.append(name)
            if tables.allSatisfy({ $0.index(of: name) != nil }) {
                common.append(name)
            } else if let table = tables.first {
                report.notes.append("column '\(name)' of table '\(table.name)' isn't in both, and isn't compared")
            }
        }
        return common
    }
}
