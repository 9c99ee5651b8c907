internal import Crypto
internal import LocalFiles
internal import PipelineCore
internal import StoreFormat

/// What a published run's manifest says of the run and its files.
struct PublishedManifest {
    struct File {
        /// Within the run's folder.
        var path: String
        var table: String
        var rows: Int
        var bytes: Int
        /// Lower-case hex.
        var sha256: String
    }

    /// A table as its definition is written there.
    struct Table {
        var name: String
        var columns: [Column]
        var key: [String]
    }

    var stored: StoredRunState
    /// Empty where a version before 0.2 has written it.
    var tables: [Table]
    var files: [File]

    /// Nil where there is none.
    ///
    /// - Throws: `PipelineError`: `.configuration` where it is cut off, or a later version's: what was published there can't be
    ///   told, which isn't the same as nothing.
    static func read(in folder: String) throws -> PublishedManifest? {
        try StoredJSON.read(
            "\(folder)/\(RunLayout.manifest)",
            hint: "Restore it from a backup; or move its folder away, and what is in it counts as not published."
        ) { root, format in
            PublishedManifest(
                stored: try StoredRunState(root, format),
                tables: try root["tables"] == nil ? [] : root.list("tables").compactMap(Table.init),
                files: try root.list("files").map { file in
                    File(
                        path: try file.string("path"), table: try file.string("table"),
                        rows: try file.number("rows"), bytes: try file.number("bytes"),
                        sha256: try file.string("sha256"))
                })
        }
    }
}

extension PublishedManifest.Table {
    /// Nil where the key isn't written.
    fileprivate init?(_ node: JSONNode) throws {
        guard node["key"] != nil else { return nil }
        name = try node.string("name")
        columns = try node.list("columns").map { column in
            let (name, type) = (try column.string("name"), try column.string("type"))
            guard let type = ColumnType(rawValue: type) else {
                throw StoredJSON.Fault("its column '\(name)' has the unknown type '\(type)'")
            }
            return Column(name, type)
        }
        key = try node.list("key").map { name in
            guard let name = name.text else { throw StoredJSON.Fault("a key has a name that isn't a text") }
            return name
        }
    }
}

extension PublishedManifest.File {
    /// How the file differs from what is said of it, as a clause that follows its path; nil where it doesn't.
    func fault(in folder: String) -> String? {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { room.deallocate() }
        var hash = SHA256()
        var count = 0
        do throws(FileForReading.Failure) {
            let file = try FileForReading("\(folder)/\(path)")
            defer { file.close() }
            while true {
                let filled = try file.read(into: room)
                if filled == 0 { break }
                count += filled
                hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: room[..<filled]))
            }
        } catch {
            switch error {
            case .system, .folder: return "can't be read: \(SystemFailure.text(error.number))"
            case .notRegular: return "is not a regular file, so an interrupted run could not read it again"
            }
        }
        if count != bytes { return "has \(count) bytes, not \(bytes) as the manifest says" }
        let found = Hexadecimal.text(hash.finalize())
        return found == sha256 ? nil : "has other bytes than the manifest says (its SHA-256 is \(found))"
    }
}
