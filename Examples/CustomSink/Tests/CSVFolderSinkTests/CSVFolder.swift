import CSVFolderSink
import Foundation
import PipelineCore
import PipelineTesting
import RunFolders

/// An output folder of its own, with CSV files; read by Foundation and a regular expression, never by the code under test.
final class CSVFolder: Sendable {
    private let parent: String
    var path: String { parent + "/out" }
    private let maxFileSize: Int

    init(maxFileSize: Int = 256 << 20) throws {
        self.maxFileSize = maxFileSize
        parent = NSTemporaryDirectory() + "run-folders-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: parent) }

    /// A place beside the folder.
    func beside(_ name: String) -> String { parent + "/" + name }

    func sink(_ mode: WriteMode = .append, at path: String? = nil) -> CSVFolderSink {
        CSVFolderSink(path: path ?? self.path, mode: mode, maxFileSize: maxFileSize)
    }

    func open(_ run: SinkRun, at path: String? = nil) async throws -> any SinkSession {
        try await sink(run.mode, at: path).open(run.context)
    }

    func whole(_ run: SinkRun) async throws { try await run.whole(sink(run.mode)) }

    func underWay(_ run: SinkRun) -> String { "\(path)/.sluice/\(run.id)" }
    func published(_ run: SinkRun) -> String { "\(path)/runs/\(run.id)\(run.shards > 1 ? ".shard\(run.shard)" : "")" }

    /// Where `current` leads to.
    var current: String? { try? FileManager.default.destinationOfSymbolicLink(atPath: path + "/current") }

    var store: SinkConformance.Store {
        SinkConformance.Store(
            sinks: { mode in mode == .merge ? nil : self.sink(mode) }, showsRunsUnderWay: false,
            rows: { try self.rows(of: $0) })
    }

    // MARK: Rows

    struct ReadingError: Error { var message: String }

    /// What readers see of a table: of a `replace` what `current` leads to, of an `append` every published run. Each manifest
    /// must describe its files.
    func rows(of table: TableDefinition) throws -> [[RowView.Value]] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        let owner = try Self.object("\(path)/.sluice/owner.json")
        // Resolved, because an enumerator of files doesn't follow the link that it is given.
        var runs = [path + "/current"].filter { FileManager.default.fileExists(atPath: $0) }
            .map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().path }
        if owner["mode"] as? String != "replace" {
            let published = "\(path)/runs"
            runs =
                FileManager.default.fileExists(atPath: published)
                ? try FileManager.default.contentsOfDirectory(atPath: published).sorted().map { "\(published)/\($0)" }
                : []
        }
        return try runs.flatMap { run in
            let manifest = try Self.object(run + "/manifest.json")
            var named: Set<String> = ["manifest.json"]
            var rows: [[RowView.Value]] = []
            for file in manifest["files"] as? [[String: Any]] ?? [] {
                let path = file["path"] as? String ?? ""
                named.insert(path)
                let text = try String(contentsOfFile: "\(run)/\(path)", encoding: .utf8)
                let records = Self.records(text)
                guard file["bytes"] as? Int == text.utf8.count, file["uncompressed_bytes"] as? Int == text.utf8.count,
                    file["rows"] as? Int == records.count - 1
                else { throw ReadingError(message: "the manifest doesn't describe \(path)") }
                guard file["table"] as? String == table.name else { continue }
                guard records[0] == table.columns.map({ "\"\($0.name)\"" }) else {
                    throw ReadingError(message: "\(path) begins with another header")
                }
                rows += records.dropFirst().map { zip($0, table.columns).map(Self.value) }
            }
            guard Set(try Self.files(below: run + "/").keys) == named else {
                throw ReadingError(message: "\(run) has other files than its manifest says")
            }
            return rows
        }
    }

    private static func object(_ path: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    private static func records(_ text: String) -> [[String]] {
        var records: [[String]] = [[]]
        // Not by characters: a line feed may be half of one.
        let expression = try? NSRegularExpression(pattern: #"("(?:[^"]|"")*"|[^",\n]*)(,|\n)"#)
        let whole = text as NSString
        for match in expression?.matches(in: text, range: NSRange(location: 0, length: whole.length)) ?? [] {
            records[records.count - 1].append(whole.substring(with: match.range(at: 1)))
            if whole.substring(with: match.range(at: 2)) == "\n" { records.append([]) }
        }
        return records.dropLast()
    }

    private static func value(_ field: String, _ column: Column) -> RowView.Value {
        if field.isEmpty { return .null }
        let text = field.dropFirst().dropLast().replacingOccurrences(of: "\"\"", with: "\"")
        return switch column.type {
        case .integer: .integer(Int64(field) ?? .min)
        case .real: .number(Double(field) ?? .nan)
        case .text: .text(text)
        case .json: .json(text)
        case .time: .time(text)
        }
    }

    // MARK: Files

    /// Every file below a folder with its bytes, by its path.
    static func files(below path: String) throws -> [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        guard let names = FileManager.default.enumerator(atPath: path) else { return result }
        while let name = names.nextObject() as? String {
            guard names.fileAttributes?[.type] as? FileAttributeType == .typeRegular else { continue }
            result[name] = try Array(Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
        }
        return result
    }

    /// The data files of a run's folder alone.
    static func data(below path: String) throws -> [String: [UInt8]] {
        try files(below: path).filter { $0.key.hasSuffix(".csv") }
    }
}

func pipelineError(_ body: () async throws -> Void) async -> PipelineError? {
    do { try await body() } catch { return error as? PipelineError }
    return nil
}
