import FilePlugins
import Foundation
import PipelineCore
import PipelineTesting

/// An output folder of its own, read by Python's gzip and json and the tool `zstd`, never by the code under test.
final class OutputReader: Sendable {
    let folder: TemporaryFolder
    var path: String { folder.file("out") }
    private let compression: FileCompression
    private let level: Int?
    private let maxFileSize: Int

    init(_ compression: FileCompression = .gzip, level: Int? = nil, maxFileSize: Int = 256 << 20) throws {
        folder = try TemporaryFolder()
        self.compression = compression
        self.level = level
        self.maxFileSize = maxFileSize
    }

    func sink(_ mode: WriteMode = .append, at path: String? = nil) -> NDJSONSink {
        NDJSONSink(
            path: path ?? self.path, mode: mode, compression: compression, level: level, maxFileSize: maxFileSize)
    }

    var store: SinkConformance.Store {
        SinkConformance.Store(
            sinks: { mode in mode == .merge ? nil : self.sink(mode) }, showsRunsUnderWay: false,
            rows: { try self.rows(of: $0) })
    }

    /// What readers see of a table: of a `replace` what `current` leads to, of an `append` every published run. The keys of
    /// each line must be the columns of the manifest, in order, and the manifest must describe the files.
    func rows(of table: TableDefinition) throws -> [[RowView.Value]] {
        let root = try PythonProcess.shared.run(Self.script, [path, table.name])
        return try root.elements.map { row in
            guard row.elements.count == table.columns.count else { throw ReadingError(message: "columns are missing") }
            return try zip(row.elements, table.columns).map { node, column in try Self.value(node, column.type) }
        }
    }

    private static func value(_ node: JSONNode, _ type: ColumnType) throws -> RowView.Value {
        if node.isNull { return .null }
        switch type {
        case .integer: return .integer(try required(node.integer))
        case .real: return .number(try required(node.double))
        case .text: return .text(try required(node.text))
        case .json: return .json(try required(node.text))
        case .time: return .time(try required(node.text))
        }
    }

    private static func required<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw ReadingError(message: "a value is of another type than its column") }
        return value
    }

    struct ReadingError: Error { var message: String }

    /// Checks each manifest against its files, and gives the rows as lists, nested values as compact text.
    private static let script = """
        import gzip, hashlib, json, os, subprocess
        def unpacked(path, data):
            if path.endswith(".gz"): return gzip.decompress(data)
            if path.endswith(".ndjson"): return data
            return subprocess.run(["zstd", "-dc"], input=data, check=True, capture_output=True).stdout
        endings = {"gzip": ".ndjson.gz", "zstd": ".ndjson.zst", "none": ".ndjson"}
        root, table = arguments
        runs = []
        if os.path.isdir(root):
            mode = json.load(open(root + "/.sluice/owner.json"))["mode"]
            if mode == "replace":
                runs = [root + "/current"] if os.path.lexists(root + "/current") else []
            else:
                runs = [root + "/runs/" + name for name in sorted(os.listdir(root + "/runs"))] if os.path.isdir(root + "/runs") else []
        rows = []
        for run in runs:
            manifest = json.load(open(run + "/manifest.json"))
            assert manifest["run"]["state"] == "complete", manifest["run"]
            assert manifest["counts"]["rows"].get(table, 0) == sum(
                file["rows"] for file in manifest["files"] if file["table"] == table), manifest["counts"]
            columns = [c["name"] for t in manifest["tables"] if t["name"] == table for c in t["columns"]]
            kinds = [c["type"] for t in manifest["tables"] if t["name"] == table for c in t["columns"]]
            named = {file["path"] for file in manifest["files"]} | {"manifest.json"}
            found = {os.path.relpath(os.path.join(d, f), run) for d, _, fs in os.walk(run + "/") for f in fs}
            assert named == found, (named, found)
            for file in manifest["files"]:
                data = open(run + "/" + file["path"], "rb").read()
                assert len(data) == file["bytes"] and hashlib.sha256(data).hexdigest() == file["sha256"], file
                assert file["path"].endswith(endings[manifest["compression"]]), file
                text = unpacked(file["path"], data)
                assert len(text) == file["uncompressed_bytes"] and text.count(b"\\n") == file["rows"], file
                if file["table"] != table: continue
                for line in text.decode("utf-8").split("\\n")[:-1]:
                    pairs = json.loads(line, object_pairs_hook=list)
                    assert [key for key, _ in pairs] == columns, line
                    values = list(json.loads(line).values())
                    for value, kind in zip(values, kinds):
                        # Text that holds JSON.
                        if kind == "json" and value is not None: json.loads(value)
                    rows.append(values)
        result = rows
        """

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
        try files(below: path).filter { $0.key.contains(".ndjson") }
    }
}
