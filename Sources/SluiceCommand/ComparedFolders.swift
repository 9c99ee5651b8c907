internal import FilePlugins
internal import Flattening
internal import Foundation
internal import PipelineCore
internal import PipelineEngine
internal import RunFolders

/// Folders of rows as the command line names them, with the tables that stand in them.
struct ComparedFolders {
    /// Ready to be read.
    let opened: [FolderVerification.Folder]

    /// - Parameter names: one, or two.
    /// - Throws: `PipelineError` of kind `.noInput` where a folder is missing, or nothing says what the tables' columns are.
    init(_ names: [String]) throws {
        let folders = try names.map { name in try (name: name, folder: RowFolder(ndjson: Self.absolute(name))) }
        let tables = try folders.map { try Self.tables(of: $0.folder, name: $0.name) }
        guard let said = tables.compactMap(\.self).first else {
            let subject = names.count == 1 ? "\(names[0]) isn't" : "neither \(names.joined(separator: " nor ")) is"
            throw PipelineError(
                .noInput, "\(subject) a published run: there is no manifest.json, which says what the columns are",
                hint: "Name a run's folder, or a sink's, whose latest run is meant.")
        }
        opened = try zip(folders, tables).map { named, own in
            if own == nil, !said.contains(where: { Self.exists("\(named.folder.path)/\($0.name)") }) {
                throw PipelineError(
                    .noInput, "\(named.name) has no folder of a table",
                    hint:
                        "Each table's files stand in a folder of its name: \(said.map(\.name).joined(separator: ", "))."
                )
            }
            return FolderVerification.Folder(
                name: named.name, path: named.folder.path, run: named.folder.run.map { ($0.runID, $0.logicalDate) },
                tables: own ?? said, reader: named.folder.openForReading())
        }
    }

    /// - Throws: `PipelineError` of kind `.usage` for a column that no table has, or that tells rows apart.
    func check(ignored names: [String]) throws {
        let tables = opened.flatMap(\.tables)
        for name in names {
            let own = tables.filter { $0.index(of: name) != nil }
            guard !own.isEmpty else {
                throw PipelineError(
                    .usage, "no table has a column '\(name)'", hint: "Correct what --ignore names.")
            }
            guard own.contains(where: { !$0.key.contains(name) }) else {
                throw PipelineError(
                    .usage, "column '\(name)' is of the keys, by which rows are told apart", hint: "Name other columns."
                )
            }
        }
    }

    /// The tables that a manifest names; nil where there is none.
    private static func tables(of folder: RowFolder, name: String) throws -> [TableDefinition]? {
        guard let run = folder.run else { return nil }
        guard !run.tables.isEmpty else {
            throw PipelineError(
                .noInput,
                "\(name) was published by a version before 0.2, whose manifest doesn't say what its columns are",
                hint: "Compare the sinks of its pipeline: sluice verify FILE.yaml.")
        }
        let known = Layout.normalized().tables + Layout.document().tables
        return run.tables.compactMap { table in
            known.first { $0.name == table.name }.map {
                TableDefinition(name: table.name, role: $0.role, columns: table.columns, key: table.key)
            }
        }
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }

    private static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}
