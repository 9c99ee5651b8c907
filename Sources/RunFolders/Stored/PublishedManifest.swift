internal import Crypto
internal import LocalFiles
internal import PipelineCore

/// What a published run's manifest says of its files.
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

    var files: [File]

    /// Nil where there is none.
    static func read(in folder: String) throws -> PublishedManifest? {
        try StoredJSON.read("\(folder)/\(RunLayout.manifest)") { root in
            // A manifest of another version, or one that doesn't say whose it is, says nothing that can be relied on.
            _ = try StoredRunState(root)
            return PublishedManifest(
                files: try root.member("files").elements.map { file in
                    File(
                        path: try file.string("path"), table: try file.string("table"),
                        rows: try file.number("rows"), bytes: try file.number("bytes"),
                        sha256: try file.string("sha256"))
                })
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
